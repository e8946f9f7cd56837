-- What each return takes back: the points of the basket as it stood before it minus those of what remains, from the
-- award's breakdown. Returns that are in the books already come before those told now.
CREATE TEMPORARY TABLE backfill_claims AS
WITH touched AS (
    SELECT DISTINCT purchase_id FROM customers_purchasereturn WHERE id = ANY (%(returns)s)
), award AS MATERIALIZED (
    SELECT touched.purchase_id, purchase.customer_id, coalesce(made.points, entry.points) AS points,
           coalesce(made.breakdown, entry.breakdown) AS breakdown
    FROM touched
    JOIN customers_purchase purchase ON purchase.id = touched.purchase_id
    LEFT JOIN backfill_awards made ON made.purchase_id = touched.purchase_id
    LEFT JOIN rewards_pointsentry entry ON entry.customer_id = purchase.customer_id AND entry.kind = 'AWARD'
        AND entry.reference = 'purchase:' || touched.purchase_id
    WHERE coalesce(made.breakdown, entry.breakdown) IS NOT NULL
), weight AS (
    SELECT award.purchase_id, position::int AS position, (note ->> 'multiplier')::numeric * 1000 AS milli
    FROM award, jsonb_array_elements(award.breakdown -> 'multipliers') note, jsonb_array_elements(note -> 'lines') position
), line AS (
    SELECT line.id, line.purchase_id, line.amount_minor AS amount, line.amount_minor - line.discount_minor AS net,
           coalesce(weight.milli, 1000) AS milli
    FROM award JOIN customers_purchaseline line USING (purchase_id)
    LEFT JOIN weight ON weight.purchase_id = line.purchase_id AND weight.position = line.position
), back AS (
    SELECT returned.id, returned.purchase_id, returned.returned_at, returned.id = ANY (%(returns)s) AS is_told,
           part.line_id, part.amount_minor AS amount,
           sum(part.amount_minor) OVER (
               PARTITION BY part.line_id ORDER BY returned.id = ANY (%(returns)s), returned.returned_at, returned.id) AS gone
    FROM touched
    JOIN customers_purchasereturn returned USING (purchase_id)
    JOIN customers_purchasereturnline part ON part.purchase_return_id = returned.id
), lost AS (
    SELECT back.id, back.purchase_id, back.returned_at, back.is_told, sum(line.milli * CASE WHEN line.amount > 0 THEN
               div(line.net * (line.amount - back.gone + back.amount), line.amount)
               - div(line.net * (line.amount - back.gone), line.amount) ELSE 0 END) AS weight
    FROM back JOIN line ON line.id = back.line_id
    GROUP BY back.id, back.purchase_id, back.returned_at, back.is_told
), kept AS (
    SELECT lost.*, award.customer_id, award.points AS awarded, div(
        ((SELECT sum(net * milli) FROM line WHERE line.purchase_id = lost.purchase_id)
         - sum(lost.weight) OVER (PARTITION BY lost.purchase_id ORDER BY is_told, returned_at, id))
        * (breakdown ->> 'paid_minor')::numeric * (breakdown -> 'rate' ->> 'points')::numeric,
        1000 * (breakdown ->> 'net_minor')::numeric * (breakdown -> 'rate' ->> 'per_minor')::numeric) AS points_left
    FROM lost JOIN award USING (purchase_id)
), claim AS (
    SELECT *, coalesce(lag(points_left) OVER (PARTITION BY purchase_id ORDER BY is_told, returned_at, id), awarded)
              - points_left AS points
    FROM kept
)
SELECT id AS return_id, purchase_id, customer_id, returned_at, points::bigint AS points, %(by)s AS actor
FROM claim WHERE is_told AND points > 0
