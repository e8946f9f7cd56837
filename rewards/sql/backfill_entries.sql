-- Books the events: entries, lots, a debt repaid first, what returns took from the lot of their own award, the balance.
-- What points_award and points_claw_back do one by one, for all at once.
WITH posted AS (
    INSERT INTO rewards_pointsentry (id, customer_id, seq, kind, points, balance_after, reference, happened_at,
                                     recorded_at, actor, reason, breakdown, corrects_id)
    SELECT event.id, event.customer_id, event.seq, CASE WHEN event.is_return THEN 'CLAW_BACK' ELSE 'AWARD' END,
           event.points, event.balance_after,
           CASE WHEN event.is_return THEN 'return:' || event.return_id ELSE 'purchase:' || event.purchase_id END,
           event.happened_at, now(), %(by)s, '', event.breakdown, award.id
    FROM backfill_events event
    LEFT JOIN backfill_events award
        ON event.is_return AND award.purchase_id = event.purchase_id AND NOT award.is_return
    ORDER BY event.id
), lot AS (
    INSERT INTO rewards_pointslot (customer_id, entry_id, points, remaining, available_at, expires_at)
    SELECT award.customer_id, award.id, award.points,
           award.points - least(award.points, greatest(0, award.points - award.balance_after)) - coalesce(back.points, 0),
           award.available_at, award.expires_at
    FROM backfill_events award
    LEFT JOIN (
        SELECT purchase_id, -sum(points) AS points FROM backfill_events WHERE is_return GROUP BY purchase_id
    ) back USING (purchase_id)
    WHERE NOT award.is_return
    ORDER BY award.id
    RETURNING id, entry_id
), allocated AS (
    INSERT INTO rewards_pointsallocation (customer_id, entry_id, lot_id, points)
    SELECT award.customer_id, award.id, lot.id, least(award.points, award.points - award.balance_after)
    FROM backfill_events award JOIN lot ON lot.entry_id = award.id
    WHERE award.balance_after < award.points
    UNION ALL
    SELECT event.customer_id, event.id, lot.id, -event.points
    FROM backfill_events event
    JOIN backfill_events award ON award.purchase_id = event.purchase_id AND NOT award.is_return
    JOIN lot ON lot.entry_id = award.id
    WHERE event.is_return
)
UPDATE rewards_pointsaccount account
SET balance = balance + total.points, debt = greatest(0, -(balance + total.points)), last_seq = last_seq + total.entries
FROM (SELECT customer_id, sum(points) AS points, count(*) AS entries FROM backfill_events GROUP BY customer_id) total
WHERE account.customer_id = total.customer_id
