-- Makes the rhythm of every customer in the programme who has bought and did not refuse. Ranks are those of rfm.score, in integers.
WITH bought AS (
    SELECT p.id, p.customer_id, p.currency, p.purchased_at, p.paid_minor, p.total_minor,
        (p.purchased_at AT TIME ZONE s.timezone)::date AS day
    FROM customers_purchase p
    JOIN customers_store s ON s.id = p.store_id
    JOIN customers_customer c ON c.id = p.customer_id AND c.closed_at IS NULL AND c.profiling_refused_at IS NULL
    WHERE p.purchased_at <= %(at)s
), returned AS (
    SELECT r.purchase_id, sum(rl.amount_minor) AS amount_minor
    FROM customers_purchasereturn r
    JOIN customers_purchasereturnline rl ON rl.purchase_return_id = r.id
    WHERE r.returned_at <= %(at)s
    GROUP BY 1
), kept AS (
    SELECT b.customer_id, b.day, b.currency, b.purchased_at, b.purchased_at > %(since)s AS in_year,
        CASE WHEN r.purchase_id IS NULL THEN b.paid_minor
            ELSE round(b.paid_minor * (b.total_minor - r.amount_minor)::numeric / b.total_minor)::bigint
        END AS spent_minor
    FROM bought b
    LEFT JOIN returned r ON r.purchase_id = b.id
    WHERE r.purchase_id IS NULL OR r.amount_minor < b.total_minor
), latest AS (
    SELECT DISTINCT ON (customer_id) customer_id, currency
    FROM kept ORDER BY customer_id, purchased_at DESC, currency
), counted AS (
    SELECT k.customer_id, l.currency, min(k.day) AS first_on, max(k.day) AS last_on, count(DISTINCT k.day) AS days,
        count(DISTINCT k.day) FILTER (WHERE k.in_year) AS year_days,
        coalesce(sum(k.spent_minor) FILTER (WHERE k.in_year AND k.currency = l.currency), 0) AS year_spend_minor
    FROM kept k
    JOIN latest l ON l.customer_id = k.customer_id
    GROUP BY 1, 2
), scored AS (
    SELECT customer_id,
        5 * (2 * (rank() OVER (ORDER BY last_on) - 1) + count(*) OVER (PARTITION BY last_on))
            / (2 * count(*) OVER ()) + 1 AS recency,
        5 * (2 * (rank() OVER (ORDER BY year_days) - 1) + count(*) OVER (PARTITION BY year_days))
            / (2 * count(*) OVER ()) + 1 AS frequency,
        5 * (2 * (rank() OVER (PARTITION BY currency ORDER BY year_spend_minor) - 1)
                + count(*) OVER (PARTITION BY currency, year_spend_minor))
            / (2 * count(*) OVER (PARTITION BY currency)) + 1 AS monetary
    FROM counted WHERE year_days > 0
), everybody AS (
    SELECT sum(last_on - first_on)::numeric / sum(days - 1) AS gap FROM counted WHERE days >= 3
), spaced AS (
    -- the own mean gap, drawn towards everybody's as if three more gaps had been like that
    SELECT customer_id, (last_on - first_on + 3 * everybody.gap) / (days - 1 + 3) AS gap
    FROM counted, everybody WHERE days >= 3
), rhythm AS (
    SELECT customer_id, greatest(round(gap), 1)::int AS usual_days,
        greatest(ceil(2 * gap), %(patience)s)::int AS patience_days
    FROM spaced
), cell AS (
    SELECT * FROM unnest(%(volumes)s::int[], %(recencies)s::int[], %(groups)s::text[]) AS cell (volume, recency, name)
), made AS MATERIALIZED (
    SELECT c.customer_id, c.first_on, c.last_on, c.days, c.year_days, c.year_spend_minor, c.currency,
        s.recency, s.frequency, s.monetary, cell.volume, coalesce(cell.name, %(lost)s) AS group_name,
        p.usual_days, c.last_on + p.usual_days AS due_on, c.last_on + p.patience_days AS drifts_from
    FROM counted c
    LEFT JOIN rhythm p ON p.customer_id = c.customer_id
    LEFT JOIN scored s ON s.customer_id = c.customer_id
    LEFT JOIN cell ON cell.recency = s.recency AND cell.volume = (s.frequency + s.monetary + 1) / 2
), gone AS (
    DELETE FROM customers_rhythm old
    WHERE NOT EXISTS (SELECT FROM made WHERE made.customer_id = old.customer_id)
), put AS (
    INSERT INTO customers_rhythm AS old (customer_id, first_on, last_on, days, year_days, year_spend_minor, currency,
        recency, frequency, monetary, volume, "group", usual_days, due_on, drifts_from)
    SELECT * FROM made
    ON CONFLICT (customer_id) DO UPDATE SET
        first_on = excluded.first_on, last_on = excluded.last_on, days = excluded.days,
        year_days = excluded.year_days, year_spend_minor = excluded.year_spend_minor, currency = excluded.currency,
        recency = excluded.recency, frequency = excluded.frequency, monetary = excluded.monetary,
        volume = excluded.volume, "group" = excluded."group", usual_days = excluded.usual_days,
        due_on = excluded.due_on, drifts_from = excluded.drifts_from
    WHERE (old.first_on, old.last_on, old.days, old.year_days, old.year_spend_minor, old.currency,
            old.recency, old.frequency, old.monetary, old."group",
            old.usual_days, old.due_on, old.drifts_from)
        IS DISTINCT FROM (excluded.first_on, excluded.last_on, excluded.days, excluded.year_days,
            excluded.year_spend_minor, excluded.currency, excluded.recency, excluded.frequency, excluded.monetary,
            excluded."group", excluded.usual_days, excluded.due_on, excluded.drifts_from)
)
SELECT count(*) FROM made
