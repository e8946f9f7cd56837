INSERT INTO customers_product (id, sku, name, category_id)
SELECT sku.product_id, sku.sku, coalesce(nullif(sku.name, ''), sku.sku), category.id
FROM scratch.skus sku LEFT JOIN customers_category category ON category.code = sku.category
WHERE sku.is_new ORDER BY sku.sku
ON CONFLICT (sku) DO NOTHING
