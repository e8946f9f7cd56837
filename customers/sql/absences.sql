-- Of customers (a chunk by id, every so many): their days with a purchase up to a day, and whether one came in the days
-- after it. Days are those of the stores' clocks. Who was seen too seldom or too long ago is left out.
WITH bought AS (
    SELECT p.customer_id, (p.purchased_at AT TIME ZONE s.timezone)::date AS day,
        sum(CASE WHEN p.purchased_at > %(until)s::date - %(recent)s - 1 THEN (
            SELECT count(*) FROM customers_purchaseline l WHERE l.purchase_id = p.id
        ) ELSE 0 END) AS lines
    FROM customers_purchase p
    JOIN customers_store s ON s.id = p.store_id
    WHERE p.purchased_at <= %(at)s AND p.customer_id IN (
        SELECT customer_id FROM customers_rhythm
        WHERE customer_id > %(after)s AND customer_id <= %(last)s AND customer_id %% %(every)s = 0
            AND days >= %(days_min)s AND last_on > %(until)s::date - %(seen_within)s
    )
    GROUP BY 1, 2
), spaced AS (
    SELECT *, day - lag(day) OVER (PARTITION BY customer_id ORDER BY day) AS gap, %(until)s::date - day AS age FROM bought
)
SELECT customer_id, min(age) FILTER (WHERE age >= 0), count(*) FILTER (WHERE age >= 0),
    count(*) FILTER (WHERE age BETWEEN 0 AND %(ahead)s - 1), count(*) FILTER (WHERE age BETWEEN 0 AND %(recent)s - 1),
    count(DISTINCT age / 7) FILTER (WHERE age BETWEEN 0 AND %(weeks_days)s - 1),
    coalesce(sum(lines) FILTER (WHERE age BETWEEN 0 AND %(recent)s - 1), 0),
    coalesce(sum(greatest(gap - %(ahead)s, 0)) FILTER (WHERE age >= 0), 0),
    max(age) - min(age) FILTER (WHERE age >= 0),
    (array_agg(age ORDER BY age) FILTER (WHERE age >= 0))[3],
    bool_or(age BETWEEN -%(ahead)s AND -1)
FROM spaced
GROUP BY 1
HAVING count(*) FILTER (WHERE age >= 0) >= %(days_min)s AND min(age) FILTER (WHERE age >= 0) < %(seen_within)s
ORDER BY 1
