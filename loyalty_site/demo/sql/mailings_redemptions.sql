-- The uses of new coupons, each in its purchase where a receipt is told; their ids.
WITH made AS (
    INSERT INTO rewards_couponredemption (coupon_id, offer_id, customer_id, purchase_id, discount_minor, redeemed_at,
                                          redeemed_by, rolled_back_by, reason)
    SELECT coupon.id, coupon.offer_id, coupon.customer_id, purchase.id, told.discount, told.at, told.actor, '', ''
    FROM (SELECT * FROM rewards_coupon WHERE id = ANY (%s)) coupon
    JOIN (SELECT row.*, %s AS actor
          FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::timestamptz[])
               AS row (offer, reference, store, receipt, discount, at)) told
      ON told.offer = coupon.offer_id AND told.reference = coupon.reference
    LEFT JOIN customers_store store ON store.code = told.store
    LEFT JOIN customers_purchase purchase ON purchase.store_id = store.id AND purchase.receipt_number = told.receipt
    ORDER BY told.at
    RETURNING id
)
SELECT coalesce(array_agg(id), '{}') FROM made
