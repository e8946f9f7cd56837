-- Heads with their values read, or with the first fault as "column:code".
-- The usual form is cut at its places: the pattern, which reads the others, takes thirty times as long. Materialized,
-- or each step would be computed again for every use of its result.
-- A time without an offset is the store's local time. An hour that comes twice counts as its first pass: an instant
-- found with the offset of three hours before is right when it reads as the same local time. One that is skipped moves
-- forward by itself.
CREATE UNLOGGED TABLE scratch.heads AS
WITH matched AS MATERIALIZED (
    SELECT head.*, store.no AS store_no, store.timezone, key.reference, coalesce(key.is_closed, false) AS is_closed,
           upper(coalesce(nullif(head.currency, ''), store.currency)) AS currency_code,
           CASE WHEN translate(left(purchased_at, 19), '123456789/T', '000000000- ') = '0000-00-00 00:00:00'
                     AND substr(purchased_at, 20) IN ('', 'Z')
                THEN ARRAY [left(purchased_at, 4), substr(purchased_at, 6, 2), substr(purchased_at, 9, 2),
                            substr(purchased_at, 12, 2), substr(purchased_at, 15, 2), substr(purchased_at, 18, 2),
                            nullif(substr(purchased_at, 20), '')]
                ELSE regexp_match(purchased_at, '^([0-9]{4})[-/]([0-9]{1,2})[-/]([0-9]{1,2})'
                    '(?:[T ]([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}(?:\.[0-9]{1,6})?)[0-9]{0,3})?'
                    ' ?(Z|[-+][0-9]{2}:?[0-5][0-9]|[-+][0-9]{2})?)?$')
           END AS part
    FROM scratch.raw_heads head
    JOIN scratch.stores store ON store.code = head.store
    LEFT JOIN scratch.keys key ON key.key = head.customer
), told AS MATERIALIZED (
    SELECT store, receipt_number, customer, purchased_at, currency, first_row, store_no, timezone, reference, is_closed,
           currency_code, part[1]::int AS y, part[2]::int AS m, part[3]::int AS d, coalesce(part[4], '0')::int AS hh,
           coalesce(part[5], '0')::int AS mm, coalesce(part[6], '0')::float AS ss, replace(part[7], 'Z', '+00') AS zone
    FROM matched
), clocked AS MATERIALIZED (
    SELECT *,
        CASE WHEN y < 1900 OR m NOT BETWEEN 1 AND 12 OR d < 1 OR hh > 23 OR mm > 59 OR ss >= 60
                  OR abs(left(zone, 3)::int) > 14 THEN NULL
             WHEN d <= 28 OR d <= extract(day FROM make_date(y, m, 1) + interval '1 month - 1 day')
             THEN make_timestamp(y, m, d, hh, mm, ss)
        END AS clock
    FROM told
), timed AS MATERIALIZED (
    SELECT *,
        CASE WHEN zone IS NOT NULL
             THEN clock AT TIME ZONE 'UTC' - make_interval(
                 hours => left(zone, 3)::int,
                 mins => (left(zone, 1) || coalesce(nullif(right(replace(zone, ':', ''), -3), ''), '0'))::int)
             WHEN ((clock - interval '3 hours') AT TIME ZONE timezone + interval '3 hours') AT TIME ZONE timezone = clock
             THEN (clock - interval '3 hours') AT TIME ZONE timezone + interval '3 hours'
             ELSE clock AT TIME ZONE timezone
        END AS instant
    FROM clocked
)
SELECT store, receipt_number, customer, purchased_at, currency, first_row, store_no, reference, instant, currency_code,
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
    END AS fault
FROM timed
