INSERT INTO customers_category (code, name)
SELECT DISTINCT category, category FROM scratch.skus WHERE is_new AND category <> '' ORDER BY 1
ON CONFLICT (code) DO NOTHING
