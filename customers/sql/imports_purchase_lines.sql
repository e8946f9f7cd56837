INSERT INTO customers_purchaseline (purchase_id, position, product_id, quantity, amount_minor, discount_minor,
                                    tax_minor)
SELECT purchase_id, position, product_id, quantity, amount_minor, 0, coalesce(tax_minor, 0)
FROM scratch.lines
WHERE receipt_no BETWEEN %(first)s AND %(last)s AND NOT is_return AND receipt_no NOT IN (
    SELECT receipt_no FROM scratch.settled WHERE receipt_no BETWEEN %(first)s AND %(last)s)
