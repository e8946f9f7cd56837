-- What happened to the points of the customers %(customers)s since %(since)s, in the order in which the programme
-- learnt of it (`known_at`; a file tells in the order of time), under the terms
-- that are in force in this transaction: a draft's. Awards of purchases and what returns took back are the draft's, from
-- backfill_awards and backfill_claims, before caps (`after`: what was left of an award); all else is as it was. Lapses
-- are left out: the replay finds them; and merges: it makes them anew. Spending has its entry, and what undoes it (`give_back`) the entry that it undoes;
-- where that was before, the very lots that it filled again come instead, after what repaid a debt. What had lapsed by
-- `open_at` no activity puts off.
SELECT event.customer_id, event.known_at, event.at, event.kind, event.points, event.after, event.award, event.entry, event.available_at,
       coalesce(event.expires_at, CASE WHEN event.moves IS NULL THEN points_lapse_at(
           event.available_at, terms.expiry_policy, terms.expiry_months, terms.expiry_period_end, terms.expiry_days,
           terms.timezone) END) AS expires_at,
       CASE WHEN event.is_activity THEN
           points_lapse_at(event.at, 'INACTIVITY', terms.expiry_months, terms.expiry_period_end, '', terms.timezone)
       END AS idle_until,
       coalesce(event.moves, terms.expiry_policy = 'INACTIVITY') AS moves, event.open_at
FROM points_terms() terms, (
    SELECT award.customer_id, purchase.recorded_at AS known_at, award.purchased_at AS at,
           CASE purchase.source WHEN 'IMPORT' THEN award.purchased_at
                                ELSE greatest(purchase.recorded_at, award.purchased_at) END AS open_at,
           1 AS step, award.purchased_at AS turn, purchase_id AS number, 'lot' AS kind, points, 0 AS after,
           purchase_id AS award, NULL::bigint AS entry, available_at, NULL::timestamptz AS expires_at,
           NULL::boolean AS moves, true AS is_activity, 0 AS place
    FROM backfill_awards award JOIN customers_purchase purchase ON purchase.id = award.purchase_id
    UNION ALL
    -- a till's return is booked when it is told, a file's when it was
    SELECT claim.customer_id, back.recorded_at, moment.at, moment.at, CASE WHEN is_file THEN 1 ELSE 3 END, moment.at, return_id,
           'take_back', before, after, claim.purchase_id, NULL, bought.purchased_at, NULL, NULL, false, 1
    FROM backfill_claims claim
    JOIN customers_purchasereturn back ON back.id = claim.return_id
    JOIN customers_purchase bought ON bought.id = claim.purchase_id
    CROSS JOIN LATERAL (SELECT octet_length(back.fingerprint) = 0 AS is_file) told
    CROSS JOIN LATERAL (SELECT CASE WHEN is_file THEN back.returned_at ELSE back.recorded_at END AS at) moment
    UNION ALL
    -- what paid for a purchase was redeemed before it earned
    SELECT customer_id, happened_at, happened_at, happened_at,
           CASE WHEN kind = 'REDEEM' AND reference LIKE 'purchase:%%' THEN 0 ELSE 2 END, happened_at, id, CASE WHEN points > 0 THEN 'lot' ELSE 'spend' END, abs(points), 0, NULL, id,
           CASE WHEN kind = 'AWARD' THEN points_available_at(happened_at, pending_days, timezone)
                WHEN points > 0 THEN happened_at END,
           NULL, NULL, kind = 'REDEEM', 0
    FROM rewards_pointsentry, points_terms()
    WHERE customer_id = ANY (%(customers)s) AND happened_at >= %(since)s AND points <> 0
      AND kind NOT IN ('EXPIRE', 'CLAW_BACK', 'REIMBURSE', 'MERGE') AND NOT (kind = 'AWARD' AND reference LIKE 'purchase:%%')
    UNION ALL
    SELECT back.customer_id, back.happened_at, back.happened_at, back.happened_at, 2, back.happened_at, back.id, 'give_back', back.points, 0, NULL, undone.id, back.happened_at,
           (date_trunc('day', back.happened_at AT TIME ZONE timezone) + make_interval(days => %(grace_days)s + 1))
               AT TIME ZONE timezone,
           false, false, 0
    FROM rewards_pointsentry back JOIN rewards_pointsentry undone ON undone.id = back.corrects_id, points_terms()
    WHERE back.customer_id = ANY (%(customers)s) AND back.kind = 'REIMBURSE' AND back.happened_at >= %(since)s
      AND back.points > 0 AND undone.happened_at >= %(since)s
    UNION ALL
    SELECT back.customer_id, back.happened_at, back.happened_at, back.happened_at, 2, back.happened_at, back.id, 'refill', part.points, 0, part.award, NULL,
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
ORDER BY event.known_at, event.step, event.turn, event.kind = 'take_back', event.number, event.place
