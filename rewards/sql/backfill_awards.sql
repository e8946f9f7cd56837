-- What each purchase earns by the rules of its own time, before caps: the arithmetic of rewards.domain.earning, in sets.
-- What coupons multiplied stands in the breakdown of the award that is in the books, where there is one.
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
    SELECT bought.id, bought.purchase_id, bought.position, bought.net - CASE
               WHEN %(earns_on_tax)s OR bought.tax_minor = 0 THEN 0
               ELSE div(bought.net::numeric * bought.tax_minor, bought.amount_minor)::bigint END AS base,
           bought.net,
           bought.product_id, product.category_id, basket.store_id, basket.tier_id, basket.local_at,
           basket.purchased_at
    FROM backfill_baskets basket
    CROSS JOIN LATERAL (
        SELECT *, amount_minor - discount_minor AS net
        FROM customers_purchaseline WHERE purchase_id = basket.purchase_id OFFSET 0  -- by its index, always
    ) bought
    JOIN customers_product product ON product.id = bought.product_id
    WHERE %(needs_lines)s
), taxed AS (
    SELECT purchase_id, sum(net - base)::bigint AS tax FROM line WHERE NOT %(earns_on_tax)s GROUP BY purchase_id
), multiplier AS MATERIALIZED (
    SELECT rule.*, jsonb_build_object('code', rule.code, 'version', rule.version, 'name', rule.name, 'multiplier',
                                      trim_scale(multiplier)::text)
           || CASE WHEN rule.tier_id IS NULL THEN '{}' ELSE jsonb_build_object('tier', tier.name) END
           || CASE WHEN weekdays = '{}' AND time_from IS NULL THEN '{}' ELSE jsonb_build_object('window',
                  jsonb_build_object('weekdays', array(SELECT unnest(weekdays) ORDER BY 1))
                  || CASE WHEN time_from IS NULL THEN '{}' ELSE jsonb_build_object(
                         'start', to_char(time_from, 'HH24:MI'), 'end', to_char(time_to, 'HH24:MI')) END) END AS note
    FROM rewards_earningrule rule LEFT JOIN rewards_tier tier ON tier.id = rule.tier_id
    WHERE kind = 'MULTIPLIER'
), multiplied AS (
    SELECT DISTINCT ON (line.id) line.purchase_id, line.position, line.base, rule.id AS rule_id, rule.multiplier
    FROM line
    JOIN multiplier rule ON rule.valid_from <= line.purchased_at
        AND (rule.valid_to IS NULL OR rule.valid_to > line.purchased_at)
        AND (rule.store_id IS NULL OR rule.store_id = line.store_id)
        AND (rule.product_id IS NULL OR rule.product_id = line.product_id)
        AND (rule.category_id IS NULL OR rule.category_id = line.category_id)
        AND (rule.tier_id IS NULL OR rule.tier_id = line.tier_id)
        AND (rule.weekdays = '{}' AND rule.time_from IS NULL
             OR earning_window_covers(rule.weekdays, rule.time_from, rule.time_to, line.local_at))
    ORDER BY line.id, rule.multiplier > 0, rule.multiplier DESC, rule.code COLLATE "C"
), note AS (
    SELECT purchase_id, rule_id, multiplier, sum(base)::bigint AS base, jsonb_agg(position ORDER BY position) AS lines
    FROM multiplied GROUP BY purchase_id, rule_id, multiplier
), noted AS (
    SELECT purchase_id, sum(base * (note.multiplier * 1000 - 1000)) AS extra,
           jsonb_agg(rule.note || jsonb_build_object('lines', lines, 'net_minor', base)
                     ORDER BY rule.code COLLATE "C") AS notes
    FROM note JOIN multiplier rule ON rule.id = note.rule_id GROUP BY purchase_id
), couponed AS MATERIALIZED (
    SELECT basket.purchase_id, entry.breakdown -> 'coupons' AS notes
    FROM backfill_baskets basket
    JOIN rewards_pointsentry entry ON entry.customer_id IN (SELECT points_relatives(basket.customer_id))
        AND entry.kind = 'AWARD' AND entry.reference = 'purchase:' || basket.purchase_id AND entry.breakdown ? 'coupons'
    WHERE %(has_coupons)s
), raised AS (
    SELECT line.purchase_id,
           sum(line.base * coalesce(multiplied.multiplier, 1) * ((note ->> 'multiplier')::numeric - 1) * 1000) AS extra
    FROM couponed
    CROSS JOIN jsonb_array_elements(couponed.notes) note
    CROSS JOIN jsonb_array_elements(note -> 'lines') place
    JOIN line ON line.purchase_id = couponed.purchase_id AND line.position = place::int
    LEFT JOIN multiplied ON multiplied.purchase_id = line.purchase_id AND multiplied.position = line.position
    GROUP BY line.purchase_id
), weighed AS MATERIALIZED (
    SELECT basket.*, rate.note, coalesce(noted.notes, '[]') AS notes, couponed.notes AS coupons,
           coalesce(taxed.tax, 0) AS tax,
           ((net - coalesce(taxed.tax, 0)) * 1000::numeric + coalesce(noted.extra, 0) + coalesce(raised.extra, 0))
               * paid * rate.points AS dividend,
           net * 1000::numeric * rate.per_minor AS divisor
    FROM backfill_baskets basket
    JOIN rate ON basket.purchased_at >= rate.since AND basket.purchased_at < rate.until
    LEFT JOIN noted USING (purchase_id)
    LEFT JOIN taxed USING (purchase_id)
    LEFT JOIN couponed USING (purchase_id)
    LEFT JOIN raised USING (purchase_id)
)
SELECT earned.*, points_lapse_at(available_at, expiry_policy, expiry_months, expiry_period_end, expiry_days, timezone)
           AS expires_at
FROM (
    SELECT purchase_id, customer_id, purchased_at, div(dividend, divisor)::bigint AS points,
           jsonb_build_object(
               'currency', currency, 'net_minor', net, 'paid_minor', paid, 'rate', note, 'multipliers', notes,
               'rounded_down', '0.' || lpad(div(mod(dividend, divisor) * 1000, divisor)::text, 3, '0'))
               || CASE WHEN gift_card = 0 THEN '{}' ELSE jsonb_build_object('gift_card_minor', gift_card) END
               || CASE WHEN tax = 0 THEN '{}' ELSE jsonb_build_object('tax_minor', tax) END
               || CASE WHEN coupons IS NULL THEN '{}' ELSE jsonb_build_object('coupons', coupons) END AS breakdown,
           points_available_at(purchased_at, terms.pending_days, terms.timezone) AS available_at
    FROM weighed, points_terms() terms
    WHERE dividend >= divisor OFFSET 0
) earned, points_terms() terms
