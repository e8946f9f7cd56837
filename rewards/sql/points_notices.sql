-- A row for each customer, lapse and touch whose time has come, where the customer may be written to: the touch is the
-- least of %(touches)s that is not over yet. Not before nine in the morning of the programme's zone.
WITH today AS (
    SELECT timezone, (%(at)s AT TIME ZONE timezone)::date AS day FROM points_terms()
), lapse AS (
    SELECT DISTINCT lot.customer_id,
           ((lot.expires_at - interval '1 microsecond') AT TIME ZONE today.timezone)::date AS last_day
    FROM rewards_pointslot lot CROSS JOIN today
    WHERE lot.remaining > 0 AND lot.available_at <= %(at)s AND lot.expires_at > %(at)s
      AND lot.expires_at < %(at)s + make_interval(days => %(longest)s + 2)
), due AS (
    SELECT lapse.customer_id, lapse.last_day,
           (SELECT min(touch) FROM unnest(%(touches)s::integer[]) AS touch WHERE touch >= lapse.last_day - today.day)
               AS touch,
           greatest(%(at)s, (today.day + time '09:00') AT TIME ZONE today.timezone) AS not_before
    FROM lapse CROSS JOIN today
)
INSERT INTO rewards_pointsnotice (customer_id, last_day, touch, state, reason, attempts, not_before, smtp_reply)
SELECT due.customer_id, due.last_day, due.touch, 'PENDING', '', 0, due.not_before, ''
FROM due
JOIN customers_customer customer ON customer.id = due.customer_id
WHERE due.touch IS NOT NULL AND customer.closed_at IS NULL AND customer.email <> ''
  AND EXISTS (SELECT FROM customers_consent consent
              WHERE consent.customer_id = due.customer_id AND consent.purpose = %(purpose)s
                AND consent.withdrawn_at IS NULL)
  AND NOT EXISTS (SELECT FROM rewards_pointsnotice told
                  WHERE told.customer_id = due.customer_id AND told.last_day = due.last_day AND told.touch = due.touch)
ON CONFLICT DO NOTHING
