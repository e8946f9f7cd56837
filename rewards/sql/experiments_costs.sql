-- What the kindness cost that the treated got whose window has passed: of coupons, of a surprise or of the mailing, the
-- discount that was redeemed within it, of gifts (fetched within it) and points what the surprise's rule says one costs,
-- else the gift's offer; and of how many the price is not known.
SELECT coalesce(sum(spent.minor), 0)::bigint, count(*) FILTER (WHERE spent.minor IS NULL OR spent.currency <> %(currency)s)
FROM rewards_assignment AS assignment
JOIN customers_customer AS customer ON customer.id = assignment.customer_id AND customer.merged_into_id IS NULL
JOIN (
    SELECT surprise.customer_id, rule.currency, surprise.decided_at AS spent_at, nullif(surprise.cost_minor, 0) AS minor
    FROM rewards_surpriserule AS rule
    JOIN rewards_surprise AS surprise ON surprise.rule_id = rule.id
    WHERE rule.experiment_id = %(experiment)s AND surprise.coupon_id IS NULL
    UNION ALL
    SELECT given.customer_id, given.currency, redemption.redeemed_at,
           CASE WHEN offer.kind <> 'GIFT' THEN redemption.discount_minor
                ELSE coalesce(given.gift_minor, offer.cost_minor) END
    FROM (
        SELECT surprise.customer_id, rule.currency, surprise.coupon_id, nullif(surprise.cost_minor, 0) AS gift_minor
        FROM rewards_surpriserule AS rule
        JOIN rewards_surprise AS surprise ON surprise.rule_id = rule.id
        WHERE rule.experiment_id = %(experiment)s
        UNION ALL
        SELECT coupon.customer_id, offer.currency, coupon.id, NULL
        FROM rewards_mailing AS mailing
        JOIN rewards_offer AS offer ON offer.id = mailing.offer_id
        JOIN rewards_mailingmail AS mail ON mail.mailing_id = mailing.id
        JOIN rewards_coupon AS coupon ON coupon.id = mail.coupon_id
        WHERE mailing.experiment_id = %(experiment)s
    ) AS given
    JOIN rewards_couponredemption AS redemption
      ON redemption.coupon_id = given.coupon_id AND redemption.rolled_back_at IS NULL
    JOIN rewards_offer AS offer ON offer.id = redemption.offer_id
) AS spent ON spent.customer_id = assignment.customer_id
WHERE assignment.experiment_id = %(experiment)s AND assignment.arm = 'TREATED'
  AND assignment.assigned_at + %(days)s * interval '24 hours' <= %(at)s
  AND spent.spent_at <= assignment.assigned_at + %(days)s * interval '24 hours'
