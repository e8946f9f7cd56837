-- The products of the file: name and category from the first row that gives a name. New ones have the id already that
-- they are made with.
CREATE UNLOGGED TABLE scratch.skus AS
SELECT row_number() OVER ()::int AS no, said.*, product.id IS NULL AS is_new,
       coalesce(product.id, nextval((SELECT pg_get_serial_sequence('customers_product', 'id')::regclass))) AS product_id
FROM (
    SELECT DISTINCT ON (sku) sku, name, category FROM scratch.goods WHERE fault IS NULL ORDER BY sku, name = '', first_row
) said LEFT JOIN customers_product product ON product.sku = said.sku
