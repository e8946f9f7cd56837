-- Whether a lucky draw draws a lot: the first eight bytes of the SHA-256 of `seed:purchase:17`, as one unsigned number
-- modulo 10,000, are below the chance in hundredths of a percent. bigint is signed, so they are taken in two halves: 2^32
-- modulo 10,000 is 7,296. Its twin is rewards.domain.surprises.draws.is_drawn.
-- One expression, so that it is computed in place for each of many purchases.
CREATE OR REPLACE FUNCTION surprises_is_drawn(p_seed text, p_chance numeric, p_lot bigint) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT (
        ('x' || encode(substr(sha256(convert_to(p_seed || ':purchase:' || p_lot, 'UTF8')), 1, 4), 'hex'))::bit(32)::bigint
            * 7296
        + ('x' || encode(substr(sha256(convert_to(p_seed || ':purchase:' || p_lot, 'UTF8')), 5, 4), 'hex'))::bit(32)::bigint
    ) % 10000 < p_chance * 100
$$;

-- Purchases of customers of the programme in [p_since, p_until), or the one that is asked for if it is among them.
CREATE OR REPLACE FUNCTION surprises_purchases(
    p_since timestamptz, p_until timestamptz, p_currency text, p_purchase bigint
) RETURNS SETOF customers_purchase LANGUAGE sql STABLE AS $$
    SELECT bought.*
    FROM customers_purchase bought JOIN customers_customer customer ON customer.id = bought.customer_id
    WHERE bought.purchased_at >= p_since AND bought.purchased_at < p_until
      AND (p_purchase IS NULL OR bought.id = p_purchase)
      AND bought.currency = p_currency AND customer.closed_at IS NULL
$$;

-- What a customer bought since then, without purchases of which all came back: what rhythms are made of.
CREATE OR REPLACE FUNCTION surprises_kept(p_customer bigint, p_since timestamptz) RETURNS SETOF customers_purchase
LANGUAGE sql STABLE AS $$
    SELECT bought.*
    FROM customers_purchase bought
    WHERE bought.customer_id = p_customer AND bought.purchased_at >= p_since
      AND NOT EXISTS (
        SELECT FROM customers_purchasereturn back
        JOIN customers_purchasereturnline line ON line.purchase_return_id = back.id
        WHERE back.purchase_id = bought.id
        HAVING sum(line.amount_minor) >= bought.total_minor)
$$;

-- The last day with a purchase of a customer's rhythm; NULL where the night does not know yet what was bought or brought
-- back since, and of who has none, left, or wants no rhythm.
CREATE OR REPLACE FUNCTION surprises_away_since(p_customer bigint) RETURNS date LANGUAGE sql STABLE AS $$
    SELECT rhythm.last_on
    FROM customers_rhythm rhythm JOIN customers_customer customer ON customer.id = rhythm.customer_id
    WHERE rhythm.customer_id = p_customer AND customer.closed_at IS NULL AND customer.profiling_refused_at IS NULL
      AND rhythm.last_on = (
        SELECT max((bought.purchased_at AT TIME ZONE store.timezone)::date)
        -- no clock is so far ahead that the day began earlier
        FROM surprises_kept(p_customer, (rhythm.last_on - 1)::timestamp AT TIME ZONE 'UTC') bought
        JOIN customers_store store ON store.id = bought.store_id)
$$;

-- Every occasion of a rule in [p_since, p_until), whether or not anything was given for it: of purchases when they were
-- made, of birthdays and anniversaries the midnight that begins the day on the programme's calendar (29 February is the
-- last day of February), of who stayed away that time of the day on which the days were over; of who is away for twice
-- their usual time the midnight from which on their rhythm says so, as long as they are away. p_seed is what lucky draws
-- draw with: a customer has one lot a day, the first purchase told of that day on the programme's calendar, so that nobody
-- draws again by bringing goods back and buying them once more. p_purchase asks about one purchase only.
CREATE OR REPLACE FUNCTION surprises_happened(
    p_rule bigint, p_seed text, p_since timestamptz, p_until timestamptz, p_purchase bigint
) RETURNS TABLE (customer_id bigint, occasion text, purchase_id bigint, happened_at timestamptz)
LANGUAGE plpgsql STABLE ROWS 10 AS $$
#variable_conflict use_column
DECLARE
    v_rule rewards_surpriserule;
    v_zone text := (SELECT timezone FROM points_terms());
    v_away interval;
BEGIN
    SELECT * INTO STRICT v_rule FROM rewards_surpriserule WHERE id = p_rule;
    IF v_rule.trigger = 'PURCHASE_OVER' THEN
        RETURN QUERY
        SELECT bought.customer_id, 'purchase:' || bought.id, bought.id, bought.purchased_at
        FROM surprises_purchases(p_since, p_until, v_rule.currency, p_purchase) bought
        WHERE bought.paid_minor > v_rule.threshold_minor;
    ELSIF v_rule.trigger = 'RANDOM_DRAW' THEN
        RETURN QUERY
        SELECT bought.customer_id, 'purchase:' || lot, bought.id, bought.purchased_at
        FROM surprises_purchases(p_since, p_until, v_rule.currency, p_purchase) bought
        CROSS JOIN LATERAL (SELECT date_trunc('day', bought.purchased_at AT TIME ZONE v_zone)) AS bought_on (day)
        -- The bare min(id) would be looked for along all purchases of the chain, in the order of their ids.
        CROSS JOIN LATERAL (
            SELECT min(first.id + 0) FROM customers_purchase first
            WHERE first.customer_id = bought.customer_id AND first.purchased_at >= day AT TIME ZONE v_zone
              AND first.purchased_at < (day + interval '1 day') AT TIME ZONE v_zone) AS of_the_day (lot)
        WHERE surprises_is_drawn(p_seed, v_rule.chance_percent, lot);
    ELSIF v_rule.trigger = 'NTH_VISIT' THEN
        RETURN QUERY
        SELECT bought.customer_id, 'visit:' || visit, bought.id, bought.purchased_at
        FROM surprises_purchases(p_since, p_until, v_rule.currency, p_purchase) bought
        CROSS JOIN LATERAL (
            SELECT count(*) FROM customers_purchase earlier
            WHERE earlier.customer_id = bought.customer_id
              AND (earlier.purchased_at, earlier.id) <= (bought.purchased_at, bought.id)) AS numbered (visit)
        WHERE visit = v_rule.visit_number OR v_rule.visit_repeats AND visit % v_rule.visit_number = 0;
    ELSIF v_rule.trigger = 'CATEGORY_FIRST' THEN
        RETURN QUERY
        SELECT bought.customer_id, 'category:' || v_rule.category_id, bought.id, bought.purchased_at
        FROM surprises_purchases(p_since, p_until, v_rule.currency, p_purchase) bought
        WHERE EXISTS (
                SELECT FROM customers_purchaseline line JOIN customers_product product ON product.id = line.product_id
                WHERE line.purchase_id = bought.id AND product.category_id = v_rule.category_id)
          AND NOT EXISTS (
                SELECT FROM customers_purchase earlier
                JOIN customers_purchaseline line ON line.purchase_id = earlier.id
                JOIN customers_product product ON product.id = line.product_id
                WHERE earlier.customer_id = bought.customer_id
                  AND (earlier.purchased_at, earlier.id) < (bought.purchased_at, bought.id)
                  AND product.category_id = v_rule.category_id);
    ELSIF v_rule.trigger = 'SIGN_UP' THEN
        RETURN QUERY
        SELECT customer.id, 'sign-up', NULL::bigint, customer.enrolled_at
        FROM customers_customer customer
        WHERE customer.enrolled_at >= p_since AND customer.enrolled_at < p_until AND customer.closed_at IS NULL;
    ELSIF v_rule.trigger = 'BIRTHDAY' THEN
        RETURN QUERY
        SELECT customer.id, 'birthday:' || extract(year FROM day), NULL::bigint, midnight
        FROM generate_series(date_trunc('day', p_since AT TIME ZONE v_zone) - interval '1 day',
                             p_until AT TIME ZONE v_zone, interval '1 day') AS day
        CROSS JOIN LATERAL (SELECT day AT TIME ZONE v_zone) AS begins (midnight)
        CROSS JOIN LATERAL (
            SELECT extract(month FROM day), extract(day FROM day)
            UNION ALL
            SELECT 2, 29 WHERE to_char(day, 'MM-DD') = '02-28' AND to_char(day + interval '1 day', 'MM-DD') = '03-01'
        ) AS born (on_month, on_day)
        JOIN customers_customer customer ON extract(month FROM customer.birthday) = on_month
            AND extract(day FROM customer.birthday) = on_day
        WHERE midnight >= p_since AND midnight < p_until AND customer.birthday IS NOT NULL
          AND customer.closed_at IS NULL AND customer.enrolled_at < (day + interval '1 day') AT TIME ZONE v_zone;
    ELSIF v_rule.trigger = 'ANNIVERSARY' THEN
        RETURN QUERY
        SELECT customer.id, 'anniversary:' || extract(year FROM day), NULL::bigint, midnight
        FROM generate_series(1, (SELECT extract(year FROM age(p_until, min(enrolled_at)))::integer + 1
                                 FROM customers_customer)) AS years
        JOIN customers_customer customer
            ON customer.enrolled_at >= p_since - make_interval(years => years, days => 2)
            AND customer.enrolled_at < p_until - make_interval(years => years, days => -2)
        CROSS JOIN LATERAL (
            SELECT (customer.enrolled_at AT TIME ZONE v_zone)::date + make_interval(years => years)) AS again (day)
        CROSS JOIN LATERAL (SELECT day AT TIME ZONE v_zone) AS begins (midnight)
        WHERE midnight >= p_since AND midnight < p_until AND customer.closed_at IS NULL;
    ELSIF v_rule.trigger = 'WIN_BACK' THEN
        v_away := make_interval(days => v_rule.absent_days);
        RETURN QUERY
        SELECT bought.customer_id, 'win-back:' || bought.id, bought.id, due_at
        FROM surprises_purchases(p_since - v_away - interval '1 day', p_until - v_away + interval '1 day',
                                 v_rule.currency, NULL) bought
        CROSS JOIN LATERAL (SELECT (bought.purchased_at AT TIME ZONE v_zone + v_away) AT TIME ZONE v_zone) AS over (due_at)
        WHERE due_at >= p_since AND due_at < p_until
          AND NOT EXISTS (
                SELECT FROM customers_purchase later
                WHERE later.customer_id = bought.customer_id
                  AND (later.purchased_at, later.id) > (bought.purchased_at, bought.id) AND later.purchased_at < due_at)
          AND EXISTS (
                SELECT FROM customers_purchase earlier
                WHERE earlier.customer_id = bought.customer_id
                  AND (earlier.purchased_at, earlier.id) <= (bought.purchased_at, bought.id)
                OFFSET v_rule.purchases_min - 1);
    ELSIF v_rule.trigger = 'OVERDUE' THEN
        RETURN QUERY
        SELECT rhythm.customer_id, 'overdue:' || to_char(rhythm.last_on, 'YYYY-MM-DD'), NULL::bigint, midnight
        FROM customers_rhythm rhythm
        CROSS JOIN LATERAL (SELECT rhythm.drifts_from::timestamp AT TIME ZONE v_zone) AS begins (midnight)
        WHERE rhythm.drifts_from >= (p_since AT TIME ZONE v_zone)::date
          AND rhythm.drifts_from <= (p_until AT TIME ZONE v_zone)::date
          AND midnight >= p_since AND midnight < p_until
          AND rhythm.drifts_from < rhythm.last_on + 365  -- else lost before
          AND rhythm.currency = v_rule.currency
          AND (v_rule.stays_away_percent IS NULL OR rhythm.stays_away_percent >= v_rule.stays_away_percent)
          AND rhythm.last_on = surprises_away_since(rhythm.customer_id)
          AND EXISTS (SELECT FROM surprises_kept(rhythm.customer_id, '-infinity') OFFSET v_rule.purchases_min - 1);
    END IF;
END $$;

-- The same, of customers whom the rule's offer is meant for.
CREATE OR REPLACE FUNCTION surprises_occasions(
    p_rule bigint, p_seed text, p_since timestamptz, p_until timestamptz, p_purchase bigint
) RETURNS TABLE (customer_id bigint, occasion text, purchase_id bigint, happened_at timestamptz) LANGUAGE sql STABLE AS $$
    SELECT happened.*
    FROM surprises_happened(p_rule, p_seed, p_since, p_until, p_purchase) happened
    WHERE NOT EXISTS (
        SELECT FROM rewards_surpriserule rule JOIN rewards_offer offer ON offer.id = rule.offer_id
        WHERE rule.id = p_rule AND offer.segment_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM customers_segmentmember member
            WHERE member.segment_id = offer.segment_id AND member.customer_id = happened.customer_id))
$$;
