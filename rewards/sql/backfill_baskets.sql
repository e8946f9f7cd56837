-- The purchases that can earn. A table of its own, to be analyzed: taken for few, as fresh rows are, each would be
-- compared with all that follows.
CREATE TEMPORARY TABLE backfill_baskets AS
SELECT id AS purchase_id, customer_id, store_id, purchased_at, currency, total_minor - discount_minor AS net,
       paid_minor AS paid
FROM customers_purchase
WHERE id = ANY (%(purchases)s) AND customer_id IS NOT NULL AND currency = %(currency)s AND paid_minor > 0
