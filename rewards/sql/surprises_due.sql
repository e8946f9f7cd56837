-- Why a rule would not surprise a customer on an occasion: KNOWN, COOLDOWN, QUIET, CUSTOMER_MAX or NOTHING_LEFT; NULL when it
-- would. An absence is known, by whatever last day it went, when it was surprised and nothing was bought since that did not
-- come back. Certain only while the customer's account is locked.
CREATE OR REPLACE FUNCTION surprises_refusal(
    p_rule bigint, p_customer bigint, p_occasion text, p_happened_at timestamptz
) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN EXISTS (SELECT FROM rewards_surprise
                     WHERE rule_id = p_rule AND customer_id = p_customer AND occasion = p_occasion) THEN 'KNOWN'
        WHEN trigger = 'OVERDUE' AND EXISTS (
            SELECT FROM rewards_surprise surprise
            WHERE rule_id = p_rule AND customer_id = p_customer
              AND NOT EXISTS (SELECT FROM surprises_kept(p_customer, surprise.happened_at))) THEN 'KNOWN'
        WHEN EXISTS (SELECT FROM rewards_surprise
                     WHERE rule_id = p_rule AND customer_id = p_customer
                       AND happened_at > p_happened_at - make_interval(days => cooldown_days)
                       AND happened_at < p_happened_at + make_interval(days => cooldown_days)) THEN 'COOLDOWN'
        WHEN EXISTS (SELECT FROM rewards_surprise
                     WHERE customer_id = p_customer
                       AND happened_at > p_happened_at - make_interval(days => quiet_days)
                       AND happened_at < p_happened_at + make_interval(days => quiet_days)) THEN 'QUIET'
        WHEN customer_max <= (SELECT count(*) FROM rewards_surprise
                              WHERE rule_id = p_rule AND customer_id = p_customer) THEN 'CUSTOMER_MAX'
        WHEN given_count >= issued_max OR spent_minor + cost_minor > budget_minor THEN 'NOTHING_LEFT'
    END
    FROM rewards_surpriserule WHERE id = p_rule
$$;

-- Moves a rule's counters by one conditional update; whether limit and budget left one, and the rule had not ended.
CREATE OR REPLACE FUNCTION surprises_spend(p_rule bigint, p_at timestamptz) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    UPDATE rewards_surpriserule
    SET given_count = given_count + 1, spent_minor = spent_minor + cost_minor
    WHERE id = p_rule AND (issued_max IS NULL OR given_count < issued_max)
      AND (budget_minor IS NULL OR spent_minor + cost_minor <= budget_minor)
      AND (ended_at IS NULL OR ended_at > p_at);
    RETURN FOUND;
END $$;

-- Which rules that show at the till fit a purchase, in their order.
CREATE OR REPLACE FUNCTION surprises_at_till(p_purchase bigint) RETURNS TABLE (rule_id bigint, occasion text)
LANGUAGE sql STABLE AS $$
    SELECT rule.id, happened.occasion
    FROM customers_purchase bought
    JOIN rewards_surpriserule rule ON rule.at_till AND rule.activated_at <= bought.purchased_at
        AND rule.active_from <= bought.purchased_at
        AND (rule.active_to IS NULL OR rule.active_to > bought.purchased_at)
        AND (rule.ended_at IS NULL OR rule.ended_at > bought.purchased_at)
    CROSS JOIN LATERAL surprises_occasions(
        rule.id, rule.seed, bought.purchased_at, bought.purchased_at + interval '1 microsecond', bought.id) happened
    WHERE bought.id = p_purchase
    ORDER BY rule.priority DESC, rule.id
$$;

-- Whom a rule has to surprise at p_at, of what happened within p_days: of the day of its activation the whole day counts
-- for birthdays, anniversaries and who is away for twice their usual time. Where such a rule asks for a chance to stay away
-- too, both count that come together within the 28 days of that chance: it happened on the day on which they were seen to.
-- Of one midnight those come first with whom there is most to lose, as in customers.domain.rhythms.most_to_lose_first.
-- Who stayed away and came back meanwhile needs no winning back. Whatever a lucky draw
-- drew is looked at once, so that its row says what came of it; again for what was bought once more the same day, only
-- where all had come back.
CREATE OR REPLACE FUNCTION surprises_due(p_rule bigint, p_at timestamptz, p_days integer)
RETURNS TABLE (customer_id bigint, occasion text, purchase_id bigint, happened_at timestamptz) LANGUAGE sql STABLE AS $$
    SELECT happened.*
    FROM rewards_surpriserule rule
    CROSS JOIN points_terms() terms
    CROSS JOIN LATERAL (
        SELECT CASE WHEN rule.trigger IN ('BIRTHDAY', 'ANNIVERSARY', 'OVERDUE')
                    THEN date_trunc('day', greatest(rule.active_from, rule.activated_at) AT TIME ZONE terms.timezone)
                         AT TIME ZONE terms.timezone
                    ELSE greatest(rule.active_from, rule.activated_at) END) AS began (since)
    CROSS JOIN LATERAL (SELECT least(p_at + interval '1 microsecond', rule.active_to, rule.ended_at)) AS ends (until)
    CROSS JOIN LATERAL surprises_occasions(
        rule.id, rule.seed,
        greatest(since, p_at - make_interval(days => CASE WHEN rule.stays_away_percent IS NULL THEN p_days ELSE 28 END)),
        until, NULL) told
    CROSS JOIN LATERAL (
        SELECT told.customer_id, told.occasion, told.purchase_id, greatest(
            told.happened_at, CASE WHEN rule.stays_away_percent IS NOT NULL
                THEN date_trunc('day', p_at AT TIME ZONE terms.timezone) AT TIME ZONE terms.timezone END)
    ) AS happened (customer_id, occasion, purchase_id, happened_at)
    WHERE rule.id = p_rule AND rule.activated_at <= p_at AND happened.happened_at < until
      AND (rule.trigger = 'RANDOM_DRAW' OR surprises_refusal(
            rule.id, happened.customer_id, happened.occasion, happened.happened_at) IS NULL)
      AND NOT EXISTS (SELECT FROM rewards_surprisedraw draw
                      WHERE draw.rule_id = rule.id AND draw.purchase_id = happened.purchase_id)
      AND NOT EXISTS (SELECT FROM rewards_surprisedraw draw
                      WHERE draw.rule_id = rule.id AND draw.outcome <> 'RETURNED'
                        AND COALESCE(draw.lot_id, draw.purchase_id) = CASE WHEN rule.trigger = 'RANDOM_DRAW'
                            THEN split_part(happened.occasion, ':', 2)::bigint END)
      AND (rule.trigger <> 'WIN_BACK' OR NOT EXISTS (
            SELECT FROM customers_purchase later JOIN customers_purchase last ON last.id = happened.purchase_id
            WHERE later.customer_id = happened.customer_id
              AND (later.purchased_at, later.id) > (last.purchased_at, last.id)))
    ORDER BY happened.happened_at, CASE WHEN rule.trigger = 'OVERDUE' THEN (
            SELECT -rhythm.year_spend_minor * COALESCE(rhythm.stays_away_percent, 100)
            FROM customers_rhythm rhythm WHERE rhythm.customer_id = happened.customer_id) END,
        happened.customer_id, happened.occasion, happened.purchase_id
$$;
