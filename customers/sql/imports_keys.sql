-- The customers that the file names. A card comes first, then the number as people type it, the phone, the e-mail. Who was
-- merged stands for the one they were merged into.
-- `reference` tells customers apart: the id of one found, below zero for one to be enrolled.
CREATE UNLOGGED TABLE scratch.keys AS
WITH RECURSIVE seen AS (
    SELECT customer AS key, min(first_row) AS first_row FROM scratch.raw_heads WHERE customer <> '' GROUP BY customer
), found AS (
    SELECT seen.key, seen.first_row, coalesce(
        (SELECT customer_id FROM customers_card card WHERE card.number = seen.key),
        (SELECT id FROM customers_customer
         WHERE number = upper(regexp_replace(seen.key, '[\s\-–—_.]+', '', 'g'))),
        (SELECT id FROM customers_customer WHERE phone = seen.key AND phone <> ''),
        (SELECT id FROM customers_customer WHERE lower(email) = lower(seen.key) AND email <> '')
    ) AS customer_id
    FROM seen
), led AS (
    SELECT found.key, found.first_row, customer.id AS customer_id, customer.closed_at, customer.merged_into_id
    FROM found LEFT JOIN customers_customer customer ON customer.id = found.customer_id
    UNION ALL
    SELECT led.key, led.first_row, customer.id, customer.closed_at, customer.merged_into_id
    FROM led JOIN customers_customer customer ON customer.id = led.merged_into_id
)
SELECT key, customer_id, closed_at IS NOT NULL AS is_closed,
       coalesce(customer_id, -row_number() OVER (ORDER BY first_row)) AS reference
FROM led WHERE merged_into_id IS NULL
