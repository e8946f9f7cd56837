-- What the gestures cost that were given to the treated whose window has passed, as far as they were redeemed within
-- it, and how many of these were gifts, whose worth nobody has told.
SELECT coalesce(sum(coupon.discount_minor), 0)::bigint,
       count(*) FILTER (WHERE offer.kind = 'GIFT' OR offer.currency <> %(currency)s)
FROM rewards_assignment AS assignment
JOIN customers_customer AS customer ON customer.id = assignment.customer_id AND customer.merged_into_id IS NULL
JOIN rewards_surpriserule AS rule ON rule.experiment_id = assignment.experiment_id
JOIN rewards_surprise AS surprise ON surprise.rule_id = rule.id AND surprise.customer_id = assignment.customer_id
JOIN rewards_coupon AS coupon ON coupon.id = surprise.coupon_id
JOIN rewards_offer AS offer ON offer.id = coupon.offer_id
WHERE assignment.experiment_id = %(experiment)s AND assignment.arm = 'TREATED'
  AND assignment.assigned_at + %(days)s * interval '24 hours' <= %(at)s
  AND coupon.redeemed_at <= assignment.assigned_at + %(days)s * interval '24 hours'
