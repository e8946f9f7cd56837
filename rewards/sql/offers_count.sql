-- The first day of the period (DAY, WEEK, MONTH, YEAR) of the programme's calendar in which a moment lies; weeks are ISO's.
CREATE OR REPLACE FUNCTION offers_period_start(p_period text, p_at timestamptz) RETURNS date LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN date_trunc(p_period, p_at AT TIME ZONE (SELECT timezone FROM points_terms()))::date;
END $$;

-- Counts redemptions in one tally by one conditional statement; whether p_most, if any, allowed it.
CREATE OR REPLACE FUNCTION offers_tally(
    p_offer bigint, p_customer bigint, p_period_start date, p_number bigint, p_discount bigint, p_most bigint
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO rewards_offertally AS tally (offer_id, customer_id, period_start, used, discount_minor)
    SELECT p_offer, p_customer, p_period_start, p_number, p_discount
    WHERE p_most IS NULL OR p_number <= p_most
    ON CONFLICT (offer_id, customer_id, period_start) DO UPDATE
    SET used = tally.used + excluded.used, discount_minor = tally.discount_minor + excluded.discount_minor
    WHERE p_most IS NULL OR tally.used + excluded.used <= p_most;
    RETURN FOUND;
END $$;

-- What a tally says; a key is looked up by its index, also where a part of it is NULL.
CREATE OR REPLACE FUNCTION offers_used(p_offer bigint, p_customer bigint, p_period_start date)
RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF p_customer IS NULL THEN
        RETURN (SELECT used FROM rewards_offertally
                WHERE offer_id = p_offer AND customer_id IS NULL AND period_start = p_period_start);
    ELSIF p_period_start IS NULL THEN
        RETURN (SELECT used FROM rewards_offertally
                WHERE offer_id = p_offer AND customer_id = p_customer AND period_start IS NULL);
    END IF;
    RETURN (SELECT used FROM rewards_offertally
            WHERE offer_id = p_offer AND customer_id = p_customer AND period_start = p_period_start);
END $$;

-- Counts redemptions of an offer, of gifts what they cost too, in all its limits, each by one conditional statement, and says the first day of the period
-- in which they count, or the word of the limit that refuses them: the caller's transaction must then end.
CREATE OR REPLACE FUNCTION offers_count(
    p_offer bigint, p_customer bigint, p_bought_at timestamptz, p_number bigint, p_discount bigint,
    OUT period_start date, OUT refusal text
) LANGUAGE plpgsql AS $$
DECLARE
    v_offer record;
BEGIN
    UPDATE rewards_offer
    SET redeemed_count = redeemed_count + p_number,
        redeemed_minor = redeemed_minor + p_discount + p_number * coalesce(cost_minor, 0)
    WHERE id = p_offer AND (redemptions_max IS NULL OR redemptions_max >= redeemed_count + p_number)
      AND (budget_minor IS NULL OR budget_minor >= redeemed_minor + p_discount + p_number * coalesce(cost_minor, 0))
    RETURNING customer_max, nullif(period, '') AS period, period_max, customer_period_max INTO v_offer;
    IF NOT FOUND THEN
        SELECT CASE WHEN redemptions_max IS NULL OR redemptions_max >= redeemed_count + p_number
                    THEN 'offer_budget_spent' ELSE 'offer_limit_reached' END INTO refusal
        FROM rewards_offer WHERE id = p_offer;
        RETURN;
    END IF;
    IF p_customer IS NOT NULL
       AND NOT offers_tally(p_offer, p_customer, NULL, p_number, p_discount, v_offer.customer_max) THEN
        refusal := 'customer_limit_reached';
        RETURN;
    END IF;
    IF v_offer.period IS NULL THEN
        RETURN;
    END IF;
    period_start := offers_period_start(v_offer.period, p_bought_at);
    IF NOT offers_tally(p_offer, NULL, period_start, p_number, p_discount, v_offer.period_max) THEN
        refusal := 'period_limit_reached';
    ELSIF p_customer IS NOT NULL
          AND NOT offers_tally(p_offer, p_customer, period_start, p_number, p_discount, v_offer.customer_period_max) THEN
        refusal := 'customer_period_limit_reached';
    END IF;
END $$;

-- The way back, for redemptions that were rolled back: offers by id, then tallies by key, of which each redemption is in
-- that of its customer, that of its period and that of both.
CREATE OR REPLACE FUNCTION offers_uncount(p_redemptions bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_undone record;
BEGIN
    FOR v_undone IN
        SELECT offer_id, count(*) AS number, sum(discount_minor) AS discount
        FROM rewards_couponredemption WHERE id = ANY (p_redemptions)
        GROUP BY offer_id ORDER BY offer_id
    LOOP
        UPDATE rewards_offer
        SET redeemed_count = redeemed_count - v_undone.number,
            redeemed_minor = redeemed_minor - v_undone.discount - v_undone.number * coalesce(cost_minor, 0)
        WHERE id = v_undone.offer_id;
    END LOOP;
    INSERT INTO rewards_offertally AS tally (offer_id, customer_id, period_start, used, discount_minor)
    SELECT * FROM offers_tallied(p_redemptions)
    ON CONFLICT (offer_id, customer_id, period_start) DO UPDATE
    SET used = tally.used - excluded.used, discount_minor = tally.discount_minor - excluded.discount_minor;
END $$;

-- What redemptions make in the tallies, by key: each counts for its customer, in its period, and for its customer in it.
CREATE OR REPLACE FUNCTION offers_tallied(p_redemptions bigint[])
RETURNS TABLE (offer_id bigint, customer_id bigint, period_start date, used bigint, discount_minor bigint)
LANGUAGE sql STABLE AS $$
    SELECT redemption.offer_id, key.customer_id, key.period_start, count(*), sum(redemption.discount_minor)::bigint
    FROM rewards_couponredemption redemption
    CROSS JOIN LATERAL (
        SELECT redemption.customer_id, NULL::date
        UNION SELECT NULL, redemption.period_start
        UNION SELECT redemption.customer_id, redemption.period_start
    ) AS key (customer_id, period_start)
    WHERE redemption.id = ANY (p_redemptions) AND (key.customer_id IS NOT NULL OR key.period_start IS NOT NULL)
    GROUP BY 1, 2, 3
    ORDER BY 1, 2 NULLS FIRST, 3 NULLS FIRST
$$;

-- Counts anew what these customers used, after redemptions went from one of them to the other. Their accounts are locked.
CREATE OR REPLACE FUNCTION offers_tally_anew(p_customers bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM rewards_offertally WHERE customer_id = ANY (p_customers);
    INSERT INTO rewards_offertally (offer_id, customer_id, period_start, used, discount_minor)
    SELECT tallied.* FROM offers_tallied(ARRAY (
        SELECT id FROM rewards_couponredemption
        WHERE customer_id = ANY (p_customers) AND rolled_back_at IS NULL)) AS tallied
    WHERE tallied.customer_id IS NOT NULL;
END $$;
