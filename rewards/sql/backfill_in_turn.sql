-- Customers for whom the outcome depends on all that happened before: whose returns meet a debt, points that have lapsed by
-- then, or an award of an earlier time; and whose purchases move when earlier points lapse.
CREATE TEMPORARY TABLE backfill_in_turn AS
SELECT customer_id, %(by)s AS actor
FROM backfill_awards award
WHERE (SELECT expiry_policy = 'INACTIVITY' FROM points_terms())
   OR EXISTS (SELECT FROM rewards_pointslot lot WHERE lot.customer_id = award.customer_id AND idle_months IS NOT NULL)
UNION
SELECT claim.customer_id, %(by)s
FROM (
    SELECT customer_id, max(returned_at) AS last_at, bool_or(award.purchase_id IS NULL) AS reaches_back
    FROM backfill_claims LEFT JOIN backfill_awards award USING (purchase_id, customer_id)
    GROUP BY customer_id
) claim
JOIN rewards_pointsaccount account USING (customer_id)
LEFT JOIN (
    SELECT customer_id, min(expires_at) AS first_lapse_at FROM backfill_awards GROUP BY customer_id
) fresh USING (customer_id)
WHERE claim.reaches_back OR account.debt > 0
   OR EXISTS (SELECT FROM rewards_pointslot lot
              WHERE lot.customer_id = claim.customer_id AND lot.remaining > 0 AND lot.expires_at <= claim.last_at)
   OR fresh.first_lapse_at <= claim.last_at
