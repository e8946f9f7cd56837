-- What each purchase earns by the rules of its own time: the arithmetic of rewards.domain.earning, in sets.
CREATE TEMPORARY TABLE backfill_awards AS
WITH edge AS (
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
), line AS MATERIALIZED (
    SELECT bought.id, bought.purchase_id, bought.position, bought.amount_minor - bought.discount_minor AS net,
           bought.product_id, product.category_id, basket.store_id, basket.purchased_at
    FROM backfill_baskets basket
    CROSS JOIN LATERAL (
        SELECT * FROM customers_purchaseline WHERE purchase_id = basket.purchase_id OFFSET 0  -- by its index, always
    ) bought
    JOIN customers_product product ON product.id = bought.product_id
    WHERE %(has_multipliers)s
), multiplied AS (
    SELECT DISTINCT ON (line.id) line.purchase_id, line.position, line.net, rule.code, rule.version, rule.name,
           rule.multiplier
    FROM line
    JOIN rewards_earningrule rule ON rule.kind = 'MULTIPLIER' AND rule.valid_from <= line.purchased_at
        AND (rule.valid_to IS NULL OR rule.valid_to > line.purchased_at)
        AND (rule.store_id IS NULL OR rule.store_id = line.store_id)
        AND (rule.product_id IS NULL OR rule.product_id = line.product_id)
        AND (rule.category_id IS NULL OR rule.category_id = line.category_id)
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
    FROM backfill_baskets basket
    JOIN rate ON basket.purchased_at >= rate.since AND basket.purchased_at < rate.until
    LEFT JOIN noted USING (purchase_id)
)
SELECT earned.*, points_lapse_at(available_at, expiry_policy, expiry_months, expiry_period_end, expiry_days, timezone)
           AS expires_at
FROM (
    SELECT purchase_id, customer_id, purchased_at, div(dividend, divisor)::bigint AS points,
           jsonb_build_object(
               'currency', currency, 'net_minor', net, 'paid_minor', paid, 'rate', note, 'multipliers', notes,
               'rounded_down', '0.' || lpad(div(mod(dividend, divisor) * 1000, divisor)::text, 3, '0')) AS breakdown,
           points_available_at(purchased_at, terms.pending_days, terms.timezone) AS available_at
    FROM weighed, points_terms() terms
    WHERE dividend >= divisor OFFSET 0
) earned, points_terms() terms
