-- The uses of an offer by store, most first; those outside of purchases have none.
WITH used AS (
    SELECT purchase_id, count(*) AS redeemed, sum(discount_minor) AS discount
    FROM rewards_couponredemption WHERE offer_id = %(offer)s AND rolled_back_at IS NULL
    GROUP BY purchase_id
)
SELECT store.id, store.code, coalesce(store.name, ''), sum(used.redeemed)::bigint,
       (sum(used.discount) + sum(used.redeemed) * (
           SELECT coalesce(cost_minor, 0) FROM rewards_offer WHERE id = %(offer)s))::bigint,
       count(purchase.id), coalesce(sum(purchase.paid_minor), 0)::bigint
FROM used
LEFT JOIN customers_purchase purchase ON purchase.id = used.purchase_id
LEFT JOIN customers_store store ON store.id = purchase.store_id
GROUP BY store.id
ORDER BY 4 DESC, 2
