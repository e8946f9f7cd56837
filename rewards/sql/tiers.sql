-- The programme's terms for tiers, always one row: the model's defaults until somebody sets the programme up.
CREATE OR REPLACE FUNCTION tier_terms(
    OUT timezone text, OUT currency text, OUT basis text, OUT counted_over text, OUT months integer,
    OUT grace_days integer, OUT downgrade text
) LANGUAGE sql STABLE AS $$
    SELECT coalesce(p.timezone, 'UTC'), coalesce(p.currency, 'CNY'), coalesce(p.tier_basis, 'POINTS'),
           coalesce(p.tier_window, 'ROLLING'), coalesce(p.tier_months::integer, 12),
           coalesce(p.tier_grace_days::integer, 30), coalesce(p.tier_downgrade, 'ONE_DOWN')
    FROM (SELECT) AS always LEFT JOIN rewards_program p ON true
$$;

-- The day on the programme's calendar.
CREATE OR REPLACE FUNCTION tier_day(p_at timestamptz) RETURNS date LANGUAGE sql STABLE AS $$
    SELECT (p_at AT TIME ZONE (tier_terms()).timezone)::date
$$;

-- The first day that counts towards reaching a tier on p_day. Months before 31 May end on 30 April or 28 February.
CREATE OR REPLACE FUNCTION tier_reach_from(p_day date) RETURNS date LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN counted_over = 'CALENDAR_YEAR' THEN date_trunc('year', p_day::timestamp)::date
                ELSE (p_day - make_interval(months => months))::date + 1 END
    FROM tier_terms()
$$;

-- The days that count towards keeping a tier reached on p_day, the last of which is the last it is kept for: the
-- programme's months after it, or the calendar year after its own.
CREATE OR REPLACE FUNCTION tier_keep(p_day date, OUT counts_from date, OUT keep_until date) LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN counted_over = 'CALENDAR_YEAR' THEN make_date(extract(year FROM p_day)::integer + 1, 1, 1)
                ELSE p_day + 1 END,
           CASE WHEN counted_over = 'CALENDAR_YEAR' THEN make_date(extract(year FROM p_day)::integer + 1, 12, 31)
                ELSE (p_day + make_interval(months => months))::date END
    FROM tier_terms()
$$;

-- What a customer, and who was merged into them, earned with purchases, or paid, from the day p_from through the day
-- p_through: without what came back since, whenever it did. Points paid with and gift cards are not money paid.
CREATE OR REPLACE FUNCTION tier_qualifying(p_customer bigint, p_from date, p_through date)
RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_terms record;
    v_since timestamptz;
    v_until timestamptz;
    v_sum numeric;
BEGIN
    SELECT * INTO v_terms FROM tier_terms();
    v_since := p_from::timestamp AT TIME ZONE v_terms.timezone;
    v_until := (p_through + 1)::timestamp AT TIME ZONE v_terms.timezone;
    IF v_terms.basis = 'POINTS' THEN
        v_sum := earning_net(p_customer, v_since, v_until);
    ELSE
        SELECT coalesce(sum(CASE WHEN lost.net IS NULL THEN bought.money
                                 ELSE div(bought.money::numeric * (bought.net - lost.net), bought.net) END), 0)
        INTO v_sum
        FROM (
            SELECT id, paid_minor - gift_card_minor AS money, total_minor - discount_minor AS net
            FROM customers_purchase
            WHERE customer_id = p_customer AND purchased_at >= v_since AND purchased_at < v_until
              AND currency = v_terms.currency AND paid_minor > gift_card_minor
        ) bought
        CROSS JOIN LATERAL (
            SELECT sum(line.amount_minor - line.discount_minor
                       - div((line.amount_minor - line.discount_minor)::numeric * (line.amount_minor - gone.amount),
                             line.amount_minor)) AS net
            FROM (
                SELECT part.line_id, sum(part.amount_minor) AS amount
                FROM customers_purchasereturn returned
                JOIN customers_purchasereturnline part ON part.purchase_return_id = returned.id
                WHERE returned.purchase_id = bought.id GROUP BY part.line_id
            ) gone
            JOIN customers_purchaseline line ON line.id = gone.line_id AND line.amount_minor > 0
        ) lost;
    END IF;
    RETURN v_sum;
END $$;

-- Moves each of these customers, whose accounts the caller has locked, up to the highest tier that they have reached on
-- the day of p_at; nobody down. Returns how many it moved.
CREATE OR REPLACE FUNCTION tiers_reach(p_customers bigint[], p_at timestamptz, p_by text)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_today date := tier_day(p_at);
    v_from date := tier_reach_from(v_today);
    v_moved bigint;
BEGIN
    WITH risen AS (
        SELECT customer.id AS customer_id, present.id AS from_tier, reached.id AS to_tier
        FROM unnest(p_customers) AS customer (id)
        LEFT JOIN rewards_tiermembership membership ON membership.customer_id = customer.id
        LEFT JOIN rewards_tier present ON present.id = membership.tier_id
        CROSS JOIN LATERAL (SELECT tier_qualifying(customer.id, v_from, v_today) AS points OFFSET 0) qualifying
        CROSS JOIN LATERAL (
            SELECT id, rank FROM rewards_tier WHERE is_active AND threshold <= qualifying.points
            ORDER BY rank DESC LIMIT 1
        ) reached
        WHERE reached.rank > coalesce(present.rank, -1)
    ), moved AS (
        INSERT INTO rewards_tiermembership (customer_id, tier_id, since, counts_from, keep_until)
        SELECT customer_id, to_tier, p_at, counts_from, keep_until FROM risen, tier_keep(v_today)
        ON CONFLICT (customer_id) DO UPDATE
        SET tier_id = excluded.tier_id, since = excluded.since, counts_from = excluded.counts_from,
            keep_until = excluded.keep_until
    ), noted AS (
        INSERT INTO rewards_tierchange (customer_id, from_tier_id, to_tier_id, happened_at, why, actor)
        SELECT customer_id, from_tier, to_tier, p_at, 'REACHED', p_by FROM risen ORDER BY customer_id
        RETURNING 1
    )
    SELECT count(*) INTO v_moved FROM noted;
    RETURN v_moved;
END $$;

-- Decides about up to p_limit customers whose tier and grace days are over by p_at, as of the end of the grace days,
-- however late this comes. Who earned or paid enough since counts_from keeps the tier for another period; everybody
-- else goes down. Accounts that somebody is just booking in are left for the next call. Returns how many it decided.
CREATE OR REPLACE FUNCTION tiers_review(p_at timestamptz, p_limit integer, p_by text)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_terms record;
    v_today date := tier_day(p_at);
    v_customers bigint[];
BEGIN
    SELECT * INTO v_terms FROM tier_terms();
    SELECT array_agg(customer_id) INTO v_customers FROM (
        SELECT customer_id FROM rewards_pointsaccount
        WHERE customer_id IN (SELECT customer_id FROM rewards_tiermembership
                              WHERE tier_id IS NOT NULL AND keep_until < v_today - v_terms.grace_days
                              ORDER BY keep_until LIMIT p_limit)
        FOR NO KEY UPDATE SKIP LOCKED
    ) locked;
    WITH due AS (
        SELECT membership.customer_id, membership.keep_until, present.id AS from_tier, present.rank, present.threshold,
               keep_until + v_terms.grace_days AS last_day,
               tier_qualifying(membership.customer_id, counts_from, keep_until + v_terms.grace_days) AS points
        FROM rewards_tiermembership membership JOIN rewards_tier present ON present.id = membership.tier_id
        WHERE customer_id = ANY (v_customers) AND keep_until < v_today - v_terms.grace_days
        OFFSET 0
    ), decided AS (
        SELECT due.*, CASE WHEN points >= threshold THEN from_tier ELSE lower.id END AS to_tier
        FROM due
        LEFT JOIN LATERAL (
            SELECT id FROM rewards_tier
            WHERE is_active AND rewards_tier.rank < due.rank
              AND (v_terms.downgrade = 'ONE_DOWN' OR rewards_tier.threshold <= due.points)
            ORDER BY rewards_tier.rank DESC LIMIT 1
        ) lower ON true
    ), moved AS (
        UPDATE rewards_tiermembership membership
        SET tier_id = to_tier, since = CASE WHEN to_tier = from_tier THEN since ELSE p_at END,
            counts_from = CASE WHEN to_tier IS NOT NULL THEN keep.counts_from END,
            keep_until = CASE WHEN to_tier IS NOT NULL THEN keep.keep_until END
        FROM decided,
             tier_keep(CASE WHEN v_terms.counted_over = 'CALENDAR_YEAR' OR to_tier = from_tier THEN decided.keep_until
                            ELSE decided.last_day END) keep
        WHERE membership.customer_id = decided.customer_id
    )
    INSERT INTO rewards_tierchange (customer_id, from_tier_id, to_tier_id, happened_at, why, actor)
    SELECT customer_id, from_tier, to_tier, p_at, 'NOT_KEPT', p_by FROM decided
    WHERE to_tier IS DISTINCT FROM from_tier ORDER BY customer_id;
    RETURN coalesce(cardinality(v_customers), 0);
END $$;
