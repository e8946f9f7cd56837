-- What happened to the points of the customers %(customers)s since %(since)s, in the order of time, under the terms
-- that are in force in this transaction: a draft's. Awards of purchases and what returns took back are the draft's, from
-- backfill_awards and backfill_claims, before caps (`after`: what was left of an award); all else is as it was. Lapses
-- are left out: the replay finds them; and merges: what they carry over is one person's before and after. Spending has its entry, and what undoes it (`give_back`) the entry that it undoes;
-- where that was before, the very lots that it filled again come instead, after what repaid a debt.
SELECT event.customer_id, event.at, event.kind, event.points, event.after, event.award, event.entry, event.available_at,
       coalesce(event.expires_at, CASE WHEN event.moves IS NULL THEN points_lapse_at(
           event.available_at, terms.expiry_policy, terms.expiry_months, terms.expiry_period_end, terms.expiry_days,
           terms.timezone) END) AS expires_at,
       CASE WHEN event.is_activity THEN
           points_lapse_at(event.at, 'INACTIVITY', terms.expiry_months, terms.expiry_period_end, '', terms.timezone)
       END AS idle_until,
       coalesce(event.moves, terms.expiry_policy = 'INACTIVITY') AS moves
FROM points_terms() terms, (
    SELECT customer_id, purchased_at AS at, 1 AS step, purchase_id AS number, 'lot' AS kind, points, 0 AS after,
           purchase_id AS award, NULL::bigint AS entry, available_at, NULL::timestamptz AS expires_at,
           NULL::boolean AS moves, true AS is_activity, 0 AS place
    FROM backfill_awards
    UNION ALL
    SELECT customer_id, returned_at, 3, return_id, 'take_back', before, after, purchase_id, NULL, NULL, NULL, NULL, false, 0
    FROM backfill_claims
    UNION ALL
    SELECT customer_id, happened_at, 2, id, CASE WHEN points > 0 THEN 'lot' ELSE 'spend' END, abs(points), 0, NULL, id,
           CASE WHEN kind = 'AWARD' THEN points_available_at(happened_at, pending_days, timezone)
                WHEN points > 0 THEN happened_at END,
           NULL, NULL, kind = 'REDEEM', 0
    FROM rewards_pointsentry, points_terms()
    WHERE customer_id = ANY (%(customers)s) AND happened_at >= %(since)s AND points <> 0
      AND kind NOT IN ('EXPIRE', 'CLAW_BACK', 'REIMBURSE', 'MERGE') AND NOT (kind = 'AWARD' AND reference LIKE 'purchase:%%')
    UNION ALL
    SELECT back.customer_id, back.happened_at, 2, back.id, 'give_back', back.points, 0, NULL, undone.id, back.happened_at,
           (date_trunc('day', back.happened_at AT TIME ZONE timezone) + make_interval(days => %(grace_days)s + 1))
               AT TIME ZONE timezone,
           false, false, 0
    FROM rewards_pointsentry back JOIN rewards_pointsentry undone ON undone.id = back.corrects_id, points_terms()
    WHERE back.customer_id = ANY (%(customers)s) AND back.kind = 'REIMBURSE' AND back.happened_at >= %(since)s
      AND back.points > 0 AND undone.happened_at >= %(since)s
    UNION ALL
    SELECT back.customer_id, back.happened_at, 2, back.id, 'refill', part.points, 0, part.award, NULL,
           coalesce(part.available_at, back.happened_at), part.expires_at, part.moves, false, part.place
    FROM rewards_pointsentry back JOIN rewards_pointsentry undone ON undone.id = back.corrects_id
    CROSS JOIN LATERAL (
        SELECT (back.points + coalesce(sum(points), 0) - (
                    SELECT coalesce(sum(points), 0) FROM rewards_pointslot WHERE entry_id = back.id))::bigint AS points,
               NULL::bigint AS award, NULL::timestamptz AS available_at, NULL::timestamptz AS expires_at, NULL::boolean AS moves,
               0 AS place
        FROM rewards_pointsallocation WHERE entry_id = back.id
        UNION ALL
        SELECT given.points, CASE WHEN entry.kind = 'AWARD' AND entry.reference LIKE 'purchase:%%'
                                  THEN substr(entry.reference, 10)::bigint END,
               lot.available_at, lot.expires_at, lot.idle_months IS NOT NULL, lot.id
        FROM (
            SELECT lot_id, -points AS points FROM rewards_pointsallocation WHERE entry_id = back.id
            UNION ALL
            SELECT id, points FROM rewards_pointslot WHERE entry_id = back.id
        ) given
        JOIN rewards_pointslot lot ON lot.id = given.lot_id
        JOIN rewards_pointslot origin ON origin.id = points_first_lot(lot.id)
        JOIN rewards_pointsentry entry ON entry.id = origin.entry_id
    ) part
    WHERE back.customer_id = ANY (%(customers)s) AND back.kind = 'REIMBURSE' AND back.happened_at >= %(since)s
      AND undone.happened_at < %(since)s AND part.points > 0
) event
ORDER BY event.at, event.step, event.number, event.place
