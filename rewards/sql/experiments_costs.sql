-- What the gestures cost that the treated got whose window has passed: of coupons the discount that was redeemed within
-- it, of gifts (fetched within it) and points what the rule says one costs; and of how many the price is not known.
SELECT coalesce(sum(spent.minor), 0)::bigint,
       count(*) FILTER (WHERE spent.minor IS NULL OR rule.currency <> %(currency)s)
FROM rewards_assignment AS assignment
JOIN customers_customer AS customer ON customer.id = assignment.customer_id AND customer.merged_into_id IS NULL
JOIN rewards_surpriserule AS rule ON rule.experiment_id = assignment.experiment_id
JOIN rewards_surprise AS surprise ON surprise.rule_id = rule.id AND surprise.customer_id = assignment.customer_id
LEFT JOIN rewards_couponredemption AS redemption
  ON redemption.coupon_id = surprise.coupon_id AND redemption.rolled_back_at IS NULL
LEFT JOIN rewards_offer AS offer ON offer.id = redemption.offer_id
CROSS JOIN LATERAL (
    SELECT CASE WHEN offer.kind <> 'GIFT' THEN redemption.discount_minor ELSE nullif(surprise.cost_minor, 0) END AS minor
) AS spent
WHERE assignment.experiment_id = %(experiment)s AND assignment.arm = 'TREATED'
  AND assignment.assigned_at + %(days)s * interval '24 hours' <= %(at)s
  AND CASE WHEN surprise.coupon_id IS NULL THEN surprise.decided_at ELSE redemption.redeemed_at END
      <= assignment.assigned_at + %(days)s * interval '24 hours'
