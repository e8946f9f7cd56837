-- Quartiles of the time from a coupon's issue to its uses.
SELECT quartile[1], quartile[2], quartile[3]
FROM (
    SELECT percentile_cont(ARRAY[0.25, 0.5, 0.75]) WITHIN GROUP (ORDER BY use.redeemed_at - coupon.issued_at) AS quartile
    FROM rewards_couponredemption use JOIN rewards_coupon coupon ON coupon.id = use.coupon_id
    WHERE use.offer_id = %(offer)s AND use.rolled_back_at IS NULL
) found
