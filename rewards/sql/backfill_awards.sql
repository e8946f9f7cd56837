-- What each purchase earns by the rules of its own time: the arithmetic of rewards.domain.earning, in sets.
CREATE TEMPORARY TABLE backfill_awards AS
WITH basket AS MATERIALIZED (
    SELECT id AS purchase_id, customer_id, store_id, purchased_at, currency, total_minor - discount_minor AS net,
           paid_minor AS paid
    FROM customers_purchase
    WHERE id = ANY (%(purchases)s) AND customer_id IS NOT NULL AND currency = %(currency)s AND paid_minor > 0
), edge AS (
    SELECT valid_from AS moment FROM rewards_earningrule WHERE kind = 'BASE'
    UNION
    SELECT valid_to FROM rewards_earningrule WHERE kind = 'BASE' AND valid_to IS NOT NULL
), period AS (
    SELECT moment AS since, coalesce(lead(moment) OVER (ORDER BY moment), 'infinity') AS until FROM edge
), rate AS MATERIALIZED (
    SELECT DISTINCT ON (period.since) period.*, rule.points, rule.per_minor,
           jsonb_build_object('code', rule.code, 'version', rule.version, 'name', rule.name, 'points', rule.points,
                              'per_minor', rule.per_minor) AS note
    FROM period
    JOIN rewards_earningrule rule ON rule.kind = 'BASE' AND rule.valid_from <= period.since
        AND (rule.valid_to IS NULL OR rule.valid_to > period.since)
    ORDER BY period.since, div(rule.points * 1e18, rule.per_minor) DESC, rule.code COLLATE "C"
), multiplied AS (
    SELECT DISTINCT ON (line.id) line.purchase_id, line.position, line.amount_minor - line.discount_minor AS net,
           rule.code, rule.version, rule.name, rule.multiplier
    FROM basket
    JOIN (SELECT * FROM customers_purchaseline WHERE purchase_id = ANY (%(purchases)s)) line USING (purchase_id)
    JOIN customers_product product ON product.id = line.product_id
    JOIN rewards_earningrule rule ON rule.kind = 'MULTIPLIER' AND rule.valid_from <= basket.purchased_at
        AND (rule.valid_to IS NULL OR rule.valid_to > basket.purchased_at)
        AND (rule.store_id IS NULL OR rule.store_id = basket.store_id)
        AND (rule.product_id IS NULL OR rule.product_id = line.product_id)
        AND (rule.category_id IS NULL OR rule.category_id = product.category_id)
    WHERE %(has_multipliers)s
    ORDER BY line.id, rule.multiplier > 0, rule.multiplier DESC, rule.code COLLATE "C"
), note AS (
    SELECT purchase_id, code, version, name, multiplier, sum(net)::bigint AS net,
           jsonb_agg(position ORDER BY position) AS lines
    FROM multiplied GROUP BY purchase_id, code, version, name, multiplier
), noted AS (
    SELECT purchase_id, sum(net * (multiplier * 1000 - 1000)) AS extra,
           jsonb_agg(jsonb_build_object('code', code, 'version', version, 'name', name, 'multiplier',
                                        trim_scale(multiplier)::text, 'lines', lines, 'net_minor', net)
                     ORDER BY code COLLATE "C") AS notes
    FROM note GROUP BY purchase_id
), weighed AS MATERIALIZED (
    SELECT basket.*, rate.note, coalesce(noted.notes, '[]') AS notes,
           (net * 1000::numeric + coalesce(noted.extra, 0)) * paid * rate.points AS dividend,
           net * 1000::numeric * rate.per_minor AS divisor
    FROM basket
    JOIN rate ON basket.purchased_at >= rate.since AND basket.purchased_at < rate.until
    LEFT JOIN noted USING (purchase_id)
)
SELECT purchase_id, customer_id, purchased_at, div(dividend, divisor)::bigint AS points,
       jsonb_build_object(
           'currency', currency, 'net_minor', net, 'paid_minor', paid, 'rate', note, 'multipliers', notes,
           'rounded_down', '0.' || lpad(div(mod(dividend, divisor) * 1000, divisor)::text, 3, '0')) AS breakdown
FROM weighed WHERE dividend >= divisor
