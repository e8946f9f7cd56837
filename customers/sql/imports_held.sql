-- Locks what the facts will point to, so that nobody deletes it before they are booked, and tells how much is gone
-- already.
SELECT
    (SELECT count(id) FROM scratch.stores) - (
        SELECT count(*) FROM (
            SELECT FROM customers_store WHERE id IN (SELECT id FROM scratch.stores) FOR KEY SHARE) store)
    + (SELECT count(product_id) FROM scratch.skus) - (
        SELECT count(*) FROM (
            SELECT FROM customers_product WHERE id IN (SELECT product_id FROM scratch.skus) FOR KEY SHARE) product)
    + (SELECT count(DISTINCT customer_id) FROM scratch.keys) - (
        SELECT count(*) FROM (
            SELECT FROM customers_customer WHERE id IN (SELECT customer_id FROM scratch.keys) FOR KEY SHARE) customer)
