-- Takes back p_points of an award. What lapsed out of the award's own lot counts first: those points were never used, and
-- are gone already. The rest comes from its own lot, then from the others in spending order, spendable or not yet. What is
-- missing then is a debt or is forgiven, as the programme says. Lapses that are due are booked first, so that it makes no
-- difference whether the timetable was late. The breakdown keeps how many were asked, lapsed and forgiven; an entry of 0
-- is written too, because the next return counts on it. Returns the entry; the first one when this reference is in the
-- books already.
CREATE OR REPLACE FUNCTION points_claw_back(
    p_customer bigint, p_award bigint, p_points bigint, p_reference text, p_at timestamptz, p_by text, p_reason text
) RETURNS SETOF rewards_pointsentry LANGUAGE plpgsql AS $$
DECLARE
    v_entry rewards_pointsentry;
    v_lot rewards_pointslot;
    v_balance bigint;
    v_left bigint;
    v_lapsed bigint;
    v_due bigint;
    v_covered bigint;
    v_booked bigint;
BEGIN
    PERFORM points_lock(p_customer);
    SELECT * INTO v_entry FROM rewards_pointsentry
    WHERE customer_id = p_customer AND kind = 'CLAW_BACK' AND reference = p_reference;
    IF FOUND THEN
        RETURN NEXT v_entry;
        RETURN;
    END IF;

    PERFORM points_lapse(ARRAY [p_customer], p_at);
    SELECT balance INTO STRICT v_balance FROM rewards_pointsaccount WHERE customer_id = p_customer;
    SELECT * INTO STRICT v_lot FROM rewards_pointslot WHERE customer_id = p_customer AND entry_id = p_award;
    SELECT coalesce(sum(allocation.points), 0) INTO v_lapsed
    FROM rewards_pointsallocation allocation JOIN rewards_pointsentry entry ON entry.id = allocation.entry_id
    WHERE allocation.lot_id = v_lot.id AND entry.kind = 'EXPIRE';
    SELECT v_lot.points - coalesce(sum((breakdown ->> 'asked')::bigint), 0),
           v_lapsed - coalesce(sum((breakdown ->> 'lapsed')::bigint), 0)
    INTO v_left, v_lapsed
    FROM rewards_pointsentry WHERE corrects_id = p_award;
    IF p_points > v_left THEN
        RAISE EXCEPTION 'entry % has % points left to take back, not %', p_award, v_left, p_points
            USING ERRCODE = 'check_violation';
    END IF;

    v_lapsed := least(v_lapsed, p_points);
    v_due := p_points - v_lapsed;
    v_covered := least(v_due, greatest(0, v_balance));
    v_booked := CASE WHEN (points_terms()).shortfall_policy = 'DEBT' THEN v_due ELSE v_covered END;
    v_entry := points_post(
        p_customer, 'CLAW_BACK', -v_booked, p_reference, p_at, p_by, p_reason,
        jsonb_build_object('asked', p_points, 'lapsed', v_lapsed, 'forgiven', v_due - v_booked), p_award
    );
    IF v_covered > 0 THEN
        PERFORM points_take(p_customer, v_entry.id, v_covered, NULL, v_lot.id);
    END IF;
    RETURN NEXT v_entry;
END $$;

-- Gives back what an entry took, to the very lots it came from, so that each keeps its date; after a debt is repaid,
-- those that lapse last come first. What came from lots that have lapsed meanwhile makes a new lot, good for p_grace_days
-- full days in the programme's zone. Returns the entry; the first one when it was done already.
CREATE OR REPLACE FUNCTION points_reimburse(
    p_customer bigint, p_redeemed bigint, p_at timestamptz, p_by text, p_reason text, p_grace_days integer
) RETURNS SETOF rewards_pointsentry LANGUAGE plpgsql AS $$
DECLARE
    v_account rewards_pointsaccount := points_lock(p_customer);
    v_reference text := 'entry:' || p_redeemed;
    v_entry rewards_pointsentry;
    v_points bigint;
    v_left bigint;
    v_fresh bigint;
    v_timezone text := (points_terms()).timezone;
BEGIN
    SELECT * INTO v_entry FROM rewards_pointsentry
    WHERE customer_id = p_customer AND kind = 'REIMBURSE' AND reference = v_reference;
    IF FOUND THEN
        RETURN NEXT v_entry;
        RETURN;
    END IF;

    SELECT -points INTO STRICT v_points FROM rewards_pointsentry WHERE id = p_redeemed AND customer_id = p_customer;
    v_entry := points_post(p_customer, 'REIMBURSE', v_points, v_reference, p_at, p_by, p_reason, NULL, p_redeemed);
    v_left := v_points - least(v_account.debt, v_points);
    WITH source AS (
        SELECT lot.id, lot.expires_at IS NULL OR lot.expires_at > p_at AS is_open, allocation.points,
               sum(allocation.points) OVER (ORDER BY lot.expires_at DESC NULLS FIRST, lot.id DESC)::bigint
                   - allocation.points AS given_before
        FROM rewards_pointsallocation allocation JOIN rewards_pointslot lot ON lot.id = allocation.lot_id
        WHERE allocation.entry_id = p_redeemed
    ), given AS (
        SELECT id, is_open, least(points, v_left - given_before) AS points FROM source WHERE given_before < v_left
    ), restored AS (
        UPDATE rewards_pointslot lot SET remaining = lot.remaining + given.points FROM given
        WHERE lot.id = given.id AND given.is_open
    ), allocated AS (
        INSERT INTO rewards_pointsallocation (customer_id, entry_id, lot_id, points)
        SELECT p_customer, v_entry.id, id, -points FROM given WHERE is_open
    )
    SELECT coalesce(sum(points), 0) INTO v_fresh FROM given WHERE NOT is_open;
    IF v_fresh > 0 THEN
        INSERT INTO rewards_pointslot (customer_id, entry_id, points, remaining, available_at, expires_at)
        VALUES (p_customer, v_entry.id, v_fresh, v_fresh, p_at,
                (date_trunc('day', p_at AT TIME ZONE v_timezone) + make_interval(days => p_grace_days + 1))
                AT TIME ZONE v_timezone);
    END IF;
    RETURN NEXT v_entry;
END $$;
