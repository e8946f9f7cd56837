-- One line an offer: issued, holders, used, redeemed, discount, baskets, spend, rolled back. Of gifts the discount is
-- what they cost. Both counts of coupons come from one walk through the index on (offer_id, customer_id), in its order.
SELECT told.offer, coalesce(issued.number, 0), coalesce(issued.holders, 0), coalesce(uses.used, 0),
       coalesce(uses.redeemed, 0), coalesce(uses.discount, 0) + coalesce(uses.redeemed * offer.cost_minor, 0),
       coalesce(baskets.number, 0), coalesce(baskets.spend, 0), coalesce(uses.rolled_back, 0)
FROM unnest(%(offers)s::bigint[]) AS told (offer)
JOIN rewards_offer offer ON offer.id = told.offer
LEFT JOIN (
    SELECT offer_id, sum(number)::bigint AS number, count(customer_id) AS holders
    FROM (SELECT offer_id, customer_id, count(*) AS number FROM rewards_coupon
          WHERE offer_id = ANY (%(offers)s) GROUP BY offer_id, customer_id) hand
    GROUP BY offer_id
) issued ON issued.offer_id = told.offer
LEFT JOIN (
    SELECT offer_id, count(DISTINCT coupon_id) FILTER (WHERE rolled_back_at IS NULL) AS used,
           count(*) FILTER (WHERE rolled_back_at IS NULL) AS redeemed,
           (sum(discount_minor) FILTER (WHERE rolled_back_at IS NULL))::bigint AS discount,
           count(rolled_back_at) AS rolled_back
    FROM rewards_couponredemption WHERE offer_id = ANY (%(offers)s) GROUP BY offer_id
) uses ON uses.offer_id = told.offer
LEFT JOIN (
    SELECT basket.offer_id, count(*) AS number, sum(purchase.paid_minor)::bigint AS spend
    FROM (SELECT DISTINCT offer_id, purchase_id FROM rewards_couponredemption
          WHERE offer_id = ANY (%(offers)s) AND rolled_back_at IS NULL AND purchase_id IS NOT NULL) basket
    JOIN customers_purchase purchase ON purchase.id = basket.purchase_id
    GROUP BY basket.offer_id
) baskets ON baskets.offer_id = told.offer
