-- By arm, of those whose window has passed: what coupons of any offer took off within it, in the programme's currency, and
-- how many gifts were handed over. Each customer's uses are found by the index on customer_id.
SELECT assignment.arm,
       coalesce(sum(redemption.discount_minor) FILTER (WHERE offer.currency = %(currency)s), 0)::bigint,
       count(*) FILTER (WHERE offer.kind = 'GIFT')
FROM rewards_assignment AS assignment
JOIN customers_customer AS customer ON customer.id = assignment.customer_id AND customer.merged_into_id IS NULL
JOIN rewards_couponredemption AS redemption
  ON redemption.customer_id = assignment.customer_id AND redemption.rolled_back_at IS NULL
  AND redemption.redeemed_at > assignment.assigned_at
  AND redemption.redeemed_at <= assignment.assigned_at + %(days)s * interval '24 hours'
JOIN rewards_offer AS offer ON offer.id = redemption.offer_id
WHERE assignment.experiment_id = %(experiment)s
  AND assignment.assigned_at + %(days)s * interval '24 hours' <= %(at)s
GROUP BY assignment.arm
