-- The products that offers are for, by sku: two arrays.
INSERT INTO rewards_offer_products (offer_id, product_id)
SELECT told.offer, product.id
FROM unnest(%s::bigint[], %s::text[]) AS told (offer, sku) JOIN customers_product product ON product.sku = told.sku
ON CONFLICT DO NOTHING
