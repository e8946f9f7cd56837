-- Of customers (a chunk by id, every so many): their days with a purchase and what was spent, up to a day and after it. What
-- came back counts as in rhythms.sql. PostgreSQL refuses a power that is too near 0 to be told: a day 9999 days ago is nothing. Days are those of the stores' clocks; one that is ahead of ours counts as ours.
WITH bought AS (
    SELECT p.id, p.customer_id, p.currency = y.currency AS counts, p.paid_minor, p.total_minor,
        least((p.purchased_at AT TIME ZONE s.timezone)::date, %(today)s::date) AS day
    FROM customers_rhythm y
    JOIN customers_purchase p ON p.customer_id = y.customer_id
    JOIN customers_store s ON s.id = p.store_id
    WHERE y.customer_id > %(after)s AND y.customer_id <= %(last)s AND y.customer_id %% %(every)s = 0
        AND p.purchased_at <= %(at)s
), returned AS (
    SELECT r.purchase_id, sum(l.amount_minor) AS amount_minor
    FROM bought b
    JOIN customers_purchasereturn r ON r.purchase_id = b.id AND r.returned_at <= %(at)s
    JOIN customers_purchasereturnline l ON l.purchase_return_id = r.id
    GROUP BY 1
), daily AS (
    SELECT b.customer_id, b.day, %(until)s::date - b.day AS age,
        coalesce(sum(
            CASE WHEN r.purchase_id IS NULL THEN b.paid_minor
                ELSE round(b.paid_minor * (b.total_minor - r.amount_minor)::numeric / b.total_minor)::bigint
            END
        ) FILTER (WHERE b.counts), 0)::float8 AS spent
    FROM bought b
    LEFT JOIN returned r ON r.purchase_id = b.id
    WHERE r.purchase_id IS NULL OR r.amount_minor < b.total_minor
    GROUP BY 1, 2
)
SELECT customer_id, count(*) FILTER (WHERE age >= 0) - 1 AS repeats, max(age) - min(age) FILTER (WHERE age >= 0) AS last_day,
    max(age) AS known_days,
    count(*) FILTER (WHERE age BETWEEN 0 AND %(year)s - 1) AS days,
    coalesce(sum(spent) FILTER (WHERE age BETWEEN 0 AND %(year)s - 1), 0) AS spend,
    sum(power(0.5::float8, least(age, 9999)::float8 / %(half_life)s)) FILTER (WHERE age >= 0) AS recent_days,
    sum(spent * power(0.5::float8, least(age, 9999)::float8 / %(half_life)s)) FILTER (WHERE age >= 0) AS recent_spend,
    count(*) FILTER (WHERE age < 0) AS came
FROM daily
GROUP BY 1
HAVING max(age) >= 0
ORDER BY 1
