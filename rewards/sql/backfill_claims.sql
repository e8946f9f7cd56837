-- What each return takes back: the points of the basket as it stood before it minus those of what remains, from the
-- award's breakdown (see earning.points_left), with what coupons multiplied. Returns that are in the books already come
-- before those told now, and what was told first comes first. Where caps have yet to be
-- applied (backfill_caps) those that take nothing back are kept: `before` and `after` are not capped.
CREATE TEMPORARY TABLE backfill_claims AS
WITH line AS MATERIALIZED (
    SELECT bought.id, award.purchase_id, bought.amount_minor AS amount, bought.amount_minor - bought.discount_minor AS net,
           CASE WHEN award.breakdown ? 'tax_minor' THEN bought.tax_minor ELSE 0 END AS tax,
           -- looked up line by line: a join would be planned for a hundred notes of a hundred lines each
           coalesce(CASE WHEN award.breakdown -> 'multipliers' <> '[]' THEN (
               SELECT max((note ->> 'multiplier')::numeric) * 1000
               FROM jsonb_array_elements(award.breakdown -> 'multipliers') note
               WHERE note -> 'lines' @> to_jsonb(bought.position)) END, 1000)
           * coalesce(CASE WHEN award.breakdown ? 'coupons' THEN (
               SELECT max((note ->> 'multiplier')::numeric) FROM jsonb_array_elements(award.breakdown -> 'coupons') note
               WHERE note -> 'lines' @> to_jsonb(bought.position)) END, 1) AS milli
    FROM backfill_returned award
    CROSS JOIN LATERAL (SELECT * FROM customers_purchaseline WHERE purchase_id = award.purchase_id OFFSET 0) bought
), whole AS (
    SELECT purchase_id, sum(milli * (net - CASE WHEN tax > 0 THEN div(net::numeric * tax, amount) ELSE 0 END)) AS weight
    FROM line GROUP BY purchase_id
), back AS (
    SELECT returned.id, award.purchase_id, returned.returned_at, returned.recorded_at,
           returned.id = ANY (%(returns)s) AS is_told,
           part.line_id, part.amount_minor AS amount, sum(part.amount_minor) OVER (
               PARTITION BY part.line_id ORDER BY returned.id = ANY (%(returns)s), returned.recorded_at, returned.returned_at,
                                                 returned.id) AS gone
    FROM backfill_returned award
    CROSS JOIN LATERAL (SELECT * FROM customers_purchasereturn WHERE purchase_id = award.purchase_id OFFSET 0) returned
    CROSS JOIN LATERAL (SELECT * FROM customers_purchasereturnline WHERE purchase_return_id = returned.id OFFSET 0) part
), part AS (
    SELECT back.*, line.amount AS line_amount, line.tax, line.milli,
           div(line.net * (line.amount - back.gone + back.amount), line.amount) AS net_before,
           div(line.net * (line.amount - back.gone), line.amount) AS net_after
    FROM back JOIN line ON line.id = back.line_id AND line.amount > 0
), lost AS (
    SELECT id, purchase_id, returned_at, recorded_at, is_told, sum(milli * (net_before - net_after - CASE WHEN tax > 0 THEN
               div(net_before * tax, line_amount) - div(net_after * tax, line_amount) ELSE 0 END)) AS weight
    FROM part GROUP BY id, purchase_id, returned_at, recorded_at, is_told
), kept AS (
    SELECT lost.*, award.customer_id, award.points AS awarded, (
               SELECT min(greatest(0, (cap ->> 'limit')::bigint - (cap ->> 'before')::bigint))
               FROM jsonb_array_elements(breakdown -> 'caps') cap) AS room, div(
        (whole.weight - sum(lost.weight) OVER (
             PARTITION BY lost.purchase_id ORDER BY is_told, recorded_at, returned_at, id))
        * (breakdown ->> 'paid_minor')::numeric * (breakdown -> 'rate' ->> 'points')::numeric,
        1000 * (breakdown ->> 'net_minor')::numeric * (breakdown -> 'rate' ->> 'per_minor')::numeric) AS points_left
    FROM lost JOIN backfill_returned award USING (purchase_id) JOIN whole USING (purchase_id)
), claim AS (
    SELECT id, purchase_id, customer_id, returned_at, is_told, least(points_left, room) AS after,
           least(coalesce(lag(points_left) OVER (
               PARTITION BY purchase_id ORDER BY is_told, recorded_at, returned_at, id), awarded),
                 room) AS before
    FROM kept
)
SELECT id AS return_id, purchase_id, customer_id, returned_at, (before - after)::bigint AS points,
       before::bigint AS before, after::bigint AS after
FROM claim WHERE is_told AND (before > after OR %(has_caps)s)
