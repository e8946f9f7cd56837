-- Books the awards of customers without returns: entries in the order of their purchases, their lots, a debt repaid
-- first, the balance. What points_award does for one, for all at once.
WITH posted AS (
    INSERT INTO rewards_pointsentry (customer_id, seq, kind, points, balance_after, reference, happened_at, recorded_at,
                                     actor, reason, breakdown)
    SELECT award.customer_id, account.last_seq + row_number() OVER past, 'AWARD', award.points,
           account.balance + sum(award.points) OVER past, 'purchase:' || award.purchase_id, award.purchased_at, now(),
           %(by)s, '', award.breakdown
    FROM backfill_awards award JOIN rewards_pointsaccount account USING (customer_id)
    WHERE award.customer_id NOT IN (SELECT customer_id FROM backfill_claims)
    WINDOW past AS (PARTITION BY award.customer_id ORDER BY award.purchased_at, award.purchase_id)
    RETURNING id, customer_id, points, least(points, greatest(0, points - balance_after)) AS repaid, happened_at
), lot AS (
    INSERT INTO rewards_pointslot (customer_id, entry_id, points, remaining, available_at, expires_at)
    SELECT customer_id, id, points, points - repaid, available_at,
           points_lapse_at(available_at, expiry_policy, expiry_months, expiry_period_end, timezone)
    FROM (
        SELECT posted.*, terms.*, points_available_at(happened_at, pending_days, timezone) AS available_at
        FROM posted, points_terms() terms OFFSET 0
    ) dated
    RETURNING id, customer_id, entry_id, points - remaining AS repaid
), allocated AS (
    INSERT INTO rewards_pointsallocation (customer_id, entry_id, lot_id, points)
    SELECT customer_id, entry_id, id, repaid FROM lot WHERE repaid > 0
)
UPDATE rewards_pointsaccount account
SET balance = balance + total.points, debt = greatest(0, -(balance + total.points)), last_seq = last_seq + total.entries
FROM (SELECT customer_id, sum(points) AS points, count(*) AS entries FROM posted GROUP BY customer_id) total
WHERE account.customer_id = total.customer_id
