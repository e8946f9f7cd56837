-- The products of the file: name and category from the first row that gives a name.
CREATE UNLOGGED TABLE scratch.skus AS
SELECT row_number() OVER ()::int AS no, said.*, product.id AS product_id, product.id IS NULL AS is_new
FROM (
    SELECT DISTINCT ON (sku) sku, name, category FROM scratch.goods WHERE fault IS NULL ORDER BY sku, name = '', first_row
) said LEFT JOIN customers_product product ON product.sku = said.sku
