-- What happened to the points of the customers %(customers)s since %(since)s, in the order of the ledger, under the terms
-- that are in force in this transaction: a draft's. Awards of purchases and what returns took back are the draft's, from
-- backfill_awards and backfill_claims, before caps (`after`: what was left of an award); all else is as it was. Lapses
-- are left out: the replay finds them.
SELECT event.customer_id, event.at, event.kind, event.points, event.after, event.award, event.available_at,
       points_lapse_at(event.available_at, terms.expiry_policy, terms.expiry_months, terms.expiry_period_end,
                       terms.expiry_days, terms.timezone) AS expires_at,
       CASE WHEN event.is_activity THEN
           points_lapse_at(event.at, 'INACTIVITY', terms.expiry_months, terms.expiry_period_end, '', terms.timezone)
       END AS idle_until
FROM points_terms() terms, (
    SELECT customer_id, purchased_at AS at, 1 AS step, purchase_id AS number, 'lot' AS kind, points, 0 AS after,
           purchase_id AS award, available_at, true AS is_activity
    FROM backfill_awards
    UNION ALL
    SELECT customer_id, returned_at, 3, return_id, 'take_back', before, after, purchase_id, NULL, false
    FROM backfill_claims
    UNION ALL
    SELECT customer_id, happened_at, 2, seq, CASE WHEN points > 0 THEN 'lot' ELSE 'spend' END, abs(points), 0, NULL,
           CASE WHEN kind = 'AWARD' THEN points_available_at(happened_at, pending_days, timezone)
                WHEN points > 0 THEN happened_at END,
           kind = 'REDEEM'
    FROM rewards_pointsentry, points_terms()
    WHERE customer_id = ANY (%(customers)s) AND happened_at >= %(since)s AND points <> 0
      AND kind NOT IN ('EXPIRE', 'CLAW_BACK') AND NOT (kind = 'AWARD' AND reference LIKE 'purchase:%%')
) event
ORDER BY event.customer_id, event.at, event.step, event.number
