-- What was known of each case, a customer and an offer, before its moment: in the order of the cases.
WITH told AS MATERIALIZED (
    SELECT * FROM unnest(%(customers)s::bigint[], %(offers)s::bigint[], %(moments)s::timestamptz[])
        WITH ORDINALITY AS told (customer_id, offer_id, moment, number)
), scope AS MATERIALIZED (
    SELECT o.id AS offer_id, o.free_product_id,
        o.free_product_id IS NULL
            AND NOT EXISTS (SELECT FROM rewards_offer_products p WHERE p.offer_id = o.id)
            AND NOT EXISTS (SELECT FROM rewards_offer_categories c WHERE c.offer_id = o.id) AS is_everything
    FROM rewards_offer o WHERE o.id = ANY(%(offers)s)
), good AS MATERIALIZED (
    SELECT offer_id, product_id FROM rewards_offer_products WHERE offer_id = ANY(%(offers)s)
    UNION
    SELECT c.offer_id, d.id FROM rewards_offer_categories c JOIN customers_product d ON d.category_id = c.category_id
    WHERE c.offer_id = ANY(%(offers)s)
    UNION
    SELECT offer_id, free_product_id FROM scope WHERE free_product_id IS NOT NULL
), coupons AS (
    SELECT told.number, count(*) AS coupons, count(*) FILTER (
        WHERE EXISTS (
            SELECT FROM rewards_couponredemption r
            WHERE r.coupon_id = c.id AND r.redeemed_at < told.moment
                AND (r.rolled_back_at IS NULL OR r.rolled_back_at >= told.moment)
        )
    ) AS redeemed
    FROM told JOIN rewards_coupon c ON c.customer_id = told.customer_id AND c.issued_at < told.moment
    GROUP BY 1
), basket AS MATERIALIZED (
    SELECT told.number, told.offer_id, p.id, p.discount_minor > 0 AS is_discounted,
        extract(epoch FROM told.moment - p.purchased_at) / 86400 AS age
    FROM told JOIN customers_purchase p ON p.customer_id = told.customer_id
        AND p.purchased_at < told.moment AND p.purchased_at >= told.moment - make_interval(days => %(days)s)
), baskets AS (
    SELECT number, count(*) AS baskets, count(*) FILTER (WHERE is_discounted) AS discounted FROM basket GROUP BY 1
), held AS MATERIALIZED (
    SELECT DISTINCT b.number, b.id, b.age, l.product_id
    FROM basket b
    JOIN scope USING (offer_id)
    JOIN customers_purchaseline l ON l.purchase_id = b.id
    LEFT JOIN good ON good.offer_id = b.offer_id AND good.product_id = l.product_id
    WHERE l.quantity > 0 AND (scope.is_everything OR good.product_id IS NOT NULL)
), fading AS (
    SELECT number, sum(power(2, -age / %(half_life)s)) AS fading
    FROM (SELECT DISTINCT number, id, age FROM held) once GROUP BY 1
), products AS (
    SELECT number, count(DISTINCT product_id) AS products FROM held GROUP BY 1
)
SELECT coalesce(coupons, 0), coalesce(redeemed, 0), coalesce(baskets, 0), coalesce(discounted, 0),
    coalesce(fading, 0)::float8, coalesce(products, 0)
FROM told
LEFT JOIN coupons USING (number)
LEFT JOIN baskets USING (number)
LEFT JOIN fading USING (number)
LEFT JOIN products USING (number)
ORDER BY number
