-- Customers whose returns meet a debt, points that have lapsed by then, or an award of an earlier time: what is taken back
-- there depends on all that happened before.
CREATE TEMPORARY TABLE backfill_in_turn AS
SELECT DISTINCT claim.customer_id
FROM (
    SELECT customer_id, max(returned_at) AS last_at, bool_or(award.purchase_id IS NULL) AS reaches_back
    FROM backfill_claims LEFT JOIN backfill_awards award USING (purchase_id, customer_id)
    GROUP BY customer_id
) claim
JOIN rewards_pointsaccount account USING (customer_id)
WHERE claim.reaches_back OR account.debt > 0
   OR EXISTS (SELECT FROM rewards_pointslot lot
              WHERE lot.customer_id = claim.customer_id AND lot.remaining > 0 AND lot.expires_at <= claim.last_at)
   OR EXISTS (SELECT FROM backfill_awards award
              WHERE award.customer_id = claim.customer_id AND award.expires_at <= claim.last_at)
