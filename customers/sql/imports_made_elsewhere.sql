-- Products that somebody else made since the file was read have another id.
WITH other AS (
    UPDATE scratch.skus sku SET product_id = product.id FROM customers_product product
    WHERE sku.is_new AND product.sku = sku.sku AND product.id <> sku.product_id
    RETURNING sku.no, sku.product_id
)
UPDATE scratch.lines line SET product_id = other.product_id FROM other WHERE line.sku_no = other.no
