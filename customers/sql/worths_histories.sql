-- Days with a purchase up to a day and after it, of some of the customers, for a look back. Returns do not matter here.
WITH bought AS (
    SELECT DISTINCT p.customer_id, (p.purchased_at AT TIME ZONE s.timezone)::date AS day
    FROM customers_purchase p
    JOIN customers_store s ON s.id = p.store_id
    JOIN customers_rhythm y ON y.customer_id = p.customer_id
    WHERE p.customer_id %% %(every)s = 0 AND p.purchased_at <= %(at)s
)
SELECT count(*) FILTER (WHERE day <= %(until)s) - 1 AS repeats,
    max(day) FILTER (WHERE day <= %(until)s) - min(day) AS last_day,
    %(until)s::date - min(day) AS days,
    count(*) FILTER (WHERE day > %(until)s) AS later
FROM bought
GROUP BY customer_id
HAVING min(day) <= %(until)s
