-- Adds points (AWARD, or ADJUST upwards) as one lot. A debt is repaid first: that part counts as taken from the lot by
-- its own entry. A purchase's award is an activity, also when it is told late: p_booked_at says when. Returns the entry; the
-- first one when this kind and reference are in the books already.
CREATE OR REPLACE FUNCTION points_award(
    p_customer bigint, p_kind text, p_points bigint, p_reference text, p_at timestamptz, p_by text, p_reason text,
    p_breakdown jsonb, p_booked_at timestamptz
) RETURNS SETOF rewards_pointsentry LANGUAGE plpgsql AS $$
DECLARE
    v_account rewards_pointsaccount := points_lock(p_customer);
    v_entry rewards_pointsentry;
    v_terms record;
    v_available_at timestamptz := p_at;
    v_lapse_at timestamptz;
    v_idle_months integer;
    v_repaid bigint;
    v_lot bigint;
BEGIN
    SELECT * INTO v_entry FROM rewards_pointsentry
    WHERE customer_id = p_customer AND kind = p_kind AND reference = p_reference;
    IF FOUND THEN
        RETURN NEXT v_entry;
        RETURN;
    END IF;

    v_entry := points_post(p_customer, p_kind, p_points, p_reference, p_at, p_by, p_reason, p_breakdown, NULL);
    SELECT * INTO v_terms FROM points_terms();
    IF p_kind = 'AWARD' THEN
        v_available_at := points_available_at(p_at, v_terms.pending_days, v_terms.timezone);
        IF p_reference LIKE 'purchase:%' THEN
            PERFORM points_keep_alive(p_customer, p_at, p_booked_at);
        END IF;
    END IF;
    v_repaid := least(v_account.debt, p_points);
    v_lapse_at := points_lapse_at(v_available_at, v_terms.expiry_policy, v_terms.expiry_months,
                                  v_terms.expiry_period_end, v_terms.expiry_days, v_terms.timezone);
    IF v_terms.expiry_policy = 'INACTIVITY' THEN
        v_idle_months := v_terms.expiry_months;
        v_lapse_at := points_kept_alive(p_customer, v_lapse_at, v_idle_months);
    END IF;
    INSERT INTO rewards_pointslot (customer_id, entry_id, points, remaining, available_at, expires_at, idle_months)
    VALUES (p_customer, v_entry.id, p_points, p_points - v_repaid, v_available_at, v_lapse_at, v_idle_months)
    RETURNING id INTO v_lot;
    IF v_repaid > 0 THEN
        INSERT INTO rewards_pointsallocation (customer_id, entry_id, lot_id, points)
        VALUES (p_customer, v_entry.id, v_lot, v_repaid);
    END IF;
    RETURN NEXT v_entry;
END $$;
