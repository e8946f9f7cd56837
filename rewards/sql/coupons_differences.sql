-- Where the counters of coupons, offers and tallies say another thing than their redemptions that stand come to: which,
-- how many uses it claims and how many there are, how much discount it claims and how much there is. Of a gift's offer what
-- each costs counts as such.
WITH standing AS MATERIALIZED (
    SELECT coupon_id, offer_id, customer_id, period_start, discount_minor
    FROM rewards_couponredemption WHERE rolled_back_at IS NULL
), told AS (
    SELECT 'coupon:' || id AS what, uses_count AS claimed, 0 AS used, 0 AS claimed_minor, 0 AS used_minor
    FROM rewards_coupon
    UNION ALL SELECT 'coupon:' || coupon_id, 0, 1, 0, 0 FROM standing
    UNION ALL SELECT 'offer:' || id, redeemed_count, 0, redeemed_minor, 0 FROM rewards_offer
    UNION ALL
    SELECT 'offer:' || offer_id, 0, 1, 0, discount_minor + coalesce(cost_minor, 0)
    FROM standing JOIN rewards_offer offer ON offer.id = offer_id
    UNION ALL
    SELECT format('tally:%%s:%%s:%%s', offer_id, customer_id, period_start), used, 0, discount_minor, 0
    FROM rewards_offertally
    UNION ALL
    SELECT format('tally:%%s:%%s:%%s', standing.offer_id, key.customer_id, key.period_start), 0, 1, 0, discount_minor
    FROM standing CROSS JOIN LATERAL (
        SELECT standing.customer_id, NULL::date
        UNION SELECT NULL, standing.period_start
        UNION SELECT standing.customer_id, standing.period_start
    ) AS key (customer_id, period_start)
    WHERE key.customer_id IS NOT NULL OR key.period_start IS NOT NULL
)
SELECT what, sum(claimed), sum(used), sum(claimed_minor), sum(used_minor) FROM told GROUP BY what
HAVING sum(claimed) <> sum(used) OR sum(claimed_minor) <> sum(used_minor)
ORDER BY what
