-- The uses of an offer week by week, from Monday on in the programme's zone, also weeks without any.
WITH used AS (
    SELECT date_trunc('week', redeemed_at AT TIME ZONE %(timezone)s)::date AS week,
           discount_minor + coalesce(offer.cost_minor, 0) AS discount_minor
    FROM rewards_couponredemption JOIN rewards_offer offer ON offer.id = offer_id
    WHERE offer_id = %(offer)s AND rolled_back_at IS NULL
), bounds AS (
    SELECT min(week) AS first, max(week) AS last FROM used
)
SELECT day::date, count(used.week), coalesce(sum(used.discount_minor), 0)::bigint
FROM bounds CROSS JOIN LATERAL generate_series(bounds.first, bounds.last, interval '7 days') AS day
LEFT JOIN used ON used.week = day::date
GROUP BY day
ORDER BY day
