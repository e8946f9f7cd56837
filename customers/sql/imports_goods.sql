-- What the rows say of the products.
CREATE UNLOGGED TABLE scratch.goods AS
SELECT sku, name, category, first_row,
    CASE
        WHEN sku = '' THEN 'sku:missing'
        WHEN length(sku) > 64 THEN 'sku:too_long'
        WHEN left(sku, 1) IN ('=', '+', '-', '@') THEN 'sku:formula'
        WHEN length(name) > 200 THEN 'name:too_long'
        WHEN left(name, 1) IN ('=', '+', '-', '@') THEN 'name:formula'
        WHEN length(category) > 100 THEN 'category:too_long'
        WHEN left(category, 1) IN ('=', '+', '-', '@') THEN 'category:formula'
    END AS fault
FROM (
    SELECT sku, name, category, min(row_no) AS first_row FROM scratch.staged WHERE NOT is_odd GROUP BY sku, name, category
) said
