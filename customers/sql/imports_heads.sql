-- Heads with their values read, or with the first fault as "column:code".
-- The usual form is cast as it is where no cast can fail; others are cut in pieces. Materialized, or each step would be
-- computed again for every use of its result.
-- A time without an offset is the store's local time. An hour that comes twice counts as its first pass: an instant
-- found with the offset of three hours before is right when it reads as the same local time. One that is skipped moves
-- forward by itself.
CREATE UNLOGGED TABLE scratch.heads AS
WITH told AS MATERIALIZED (
    SELECT head.*, store.no AS store_no, store.timezone, key.reference, coalesce(key.is_closed, false) AS is_closed,
           upper(coalesce(nullif(head.currency, ''), store.currency)) AS currency_code,
           right(head.purchased_at, 1) = 'Z' AS is_utc,
           CASE WHEN translate(left(said, 19), '123456789/T', '000000000- ') IN ('0000-00-00 00:00:00', '0000-00-00 00:00')
                     AND translate(substr(said, 20), '123456789', '000000000') IN ('', '.0', '.000', '.000000', '.000000000')
                     AND left(said, 4) >= '1900' AND substr(said, 6, 2) BETWEEN '01' AND '12'
                     AND substr(said, 9, 2) BETWEEN '01' AND CASE WHEN substr(said, 6, 2) = '02' THEN '28' ELSE '30' END
                     AND substr(said, 12, 2) <= '23' AND substr(said, 15, 2) <= '59' AND substr(said, 18, 2) <= '59'
                THEN left(said, 26)::timestamp END AS plain_clock
    FROM scratch.raw_heads head
    CROSS JOIN LATERAL (
        SELECT CASE WHEN right(head.purchased_at, 1) = 'Z' THEN left(head.purchased_at, -1) ELSE head.purchased_at END
               AS said) zoneless
    JOIN scratch.stores store ON store.code = head.store
    LEFT JOIN scratch.keys key ON key.key = head.customer
), written AS MATERIALIZED (
    SELECT first_row, split_part(said, ' ', 1) AS day, split_part(said, ' ', 2) || split_part(said, ' ', 3) AS rest
    FROM (SELECT first_row, translate(purchased_at, 'T/', ' -') AS said FROM told
          WHERE plain_clock IS NULL AND purchased_at ~ (
              '^[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}(?:[T ][0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.][0-9]{1,9})?)?'
              ' ?(?:Z|[-+][0-9]{2}(?::?[0-5][0-9])?)?)?$')) odd
), halved AS MATERIALIZED (
    SELECT first_row, day, rest, ltrim(rest, '0123456789:.') AS zone FROM written
), cut AS MATERIALIZED (
    SELECT first_row, split_part(day, '-', 1)::int AS y, split_part(day, '-', 2)::int AS m, split_part(day, '-', 3)::int AS d,
           coalesce(nullif(split_part(clock, ':', 1), ''), '0')::int AS hh,
           coalesce(nullif(split_part(clock, ':', 2), ''), '0')::int AS mm,
           coalesce(nullif(left(split_part(clock, ':', 3), 9), ''), '0')::float AS ss,
           replace(nullif(zone, ''), 'Z', '+00') AS zone
    FROM (SELECT *, left(rest, length(rest) - length(zone)) AS clock FROM halved) parted
), odd AS MATERIALIZED (
    SELECT first_row, zone, CASE
        WHEN y < 1900 OR m NOT BETWEEN 1 AND 12 OR d < 1 OR hh > 23 OR mm > 59 OR ss >= 60
             OR abs(left(zone, 3)::int) > 14 THEN NULL
        WHEN d <= 28 OR d <= extract(day FROM make_date(y, m, 1) + interval '1 month - 1 day')
        THEN make_timestamp(y, m, d, hh, mm, ss) END AS clock
    FROM cut
), clocked AS MATERIALIZED (
    SELECT told.*, coalesce(odd.zone, CASE WHEN is_utc THEN '+00' END) AS zone,
           coalesce(told.plain_clock, odd.clock) AS clock,
           CASE WHEN odd.zone IS NULL AND NOT is_utc
                THEN (coalesce(told.plain_clock, odd.clock) - interval '3 hours') AT TIME ZONE told.timezone
                     + interval '3 hours' END AS early
    FROM told LEFT JOIN odd USING (first_row)
), timed AS MATERIALIZED (
    SELECT *,
        CASE WHEN zone = '+00' THEN clock AT TIME ZONE 'UTC'
             WHEN zone IS NOT NULL
             THEN clock AT TIME ZONE 'UTC' - make_interval(
                 hours => left(zone, 3)::int,
                 mins => (left(zone, 1) || coalesce(nullif(right(replace(zone, ':', ''), -3), ''), '0'))::int)
             WHEN early AT TIME ZONE timezone = clock THEN early
             ELSE clock AT TIME ZONE timezone
        END AS instant
    FROM clocked
)
SELECT store, receipt_number, customer, purchased_at, currency, gift_card, first_row, store_no, reference, instant,
    currency_code,
    CASE WHEN gift_card <> '' AND gift_card ~ '^-?[0-9]{1,15}(\.[0-9]{1,15})?$' THEN gift_card::numeric END AS gift,
    CASE
        WHEN store = '' THEN 'store:missing'
        WHEN length(store) > 64 THEN 'store:too_long'
        WHEN left(store, 1) IN ('=', '+', '-', '@') THEN 'store:formula'
        WHEN receipt_number = '' THEN 'receipt_number:missing'
        WHEN length(receipt_number) > 100 THEN 'receipt_number:too_long'
        WHEN left(receipt_number, 1) IN ('=', '+', '-', '@') THEN 'receipt_number:formula'
        WHEN length(customer) > 64 THEN 'customer:too_long'
        WHEN left(customer, 1) IN ('=', '+', '-', '@') AND customer !~ '^[+][0-9 ]+$' THEN 'customer:formula'
        WHEN is_closed THEN 'customer:customer_closed'
        WHEN purchased_at = '' THEN 'purchased_at:missing'
        WHEN instant IS NULL THEN 'purchased_at:time_unreadable'
        WHEN instant > %(at)s THEN 'purchased_at:time_in_future'
        WHEN currency_code !~ '^[A-Z]{3}$' THEN 'currency:currency_unknown'
        WHEN gift_card = '' THEN NULL
        WHEN gift_card !~ '^-?[0-9]{1,15}(\.[0-9]{1,15})?$' THEN 'gift_card:not_a_number'
        WHEN abs(gift_card::numeric) >= 1e10 THEN 'gift_card:too_large'
    END AS fault
FROM timed
