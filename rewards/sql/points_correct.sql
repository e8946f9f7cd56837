-- Takes back p_points of an award. What lapsed out of the award's own lot counts first: those points were never used, and
-- are gone already. The rest comes from its own lot, then from the others in spending order, spendable or not yet. Where
-- only holds are in the way they are released, the newest first. What is missing then is a debt or is forgiven, as the
-- programme says. Lapses that are due are booked first, so that it makes no difference whether the timetable was late. The
-- breakdown keeps how many were asked, lapsed and forgiven; an entry of 0 is written too, because the next return counts
-- on it. After a merge the present owner of the account answers for it, with what has come of the award's lot there first.
-- Returns the entry; the first one when this reference is in the books already.
CREATE OR REPLACE FUNCTION points_claw_back(
    p_customer bigint, p_award bigint, p_points bigint, p_reference text, p_at timestamptz, p_by text, p_reason text
) RETURNS SETOF rewards_pointsentry LANGUAGE plpgsql AS $$
DECLARE
    v_owner bigint := points_lock_owner(p_customer);
    v_entry rewards_pointsentry;
    v_lot rewards_pointslot;
    v_lots bigint[];
    v_left bigint;
    v_counted bigint;
    v_lapsed bigint;
    v_due bigint;
    v_covered bigint;
    v_booked bigint;
BEGIN
    SELECT * INTO v_entry FROM rewards_pointsentry
    WHERE customer_id IN (SELECT points_relatives(p_customer)) AND kind = 'CLAW_BACK' AND reference = p_reference;
    IF FOUND THEN
        RETURN NEXT v_entry;
        RETURN;
    END IF;

    SELECT * INTO STRICT v_lot FROM rewards_pointslot WHERE customer_id = p_customer AND entry_id = p_award;
    SELECT array_agg(lot) INTO v_lots FROM points_successors(v_lot.id) lot;
    SELECT v_lot.points - coalesce(sum((breakdown ->> 'asked')::bigint), 0),
           coalesce(sum((breakdown ->> 'lapsed')::bigint), 0)
    INTO v_left, v_counted
    FROM rewards_pointsentry WHERE corrects_id = p_award;
    IF p_points > v_left THEN
        RAISE EXCEPTION 'entry % has % points left to take back, not %', p_award, v_left, p_points
            USING ERRCODE = 'check_violation';
    END IF;

    LOOP
        PERFORM points_lapse(ARRAY [v_owner], p_at);
        SELECT least(coalesce(sum(allocation.points), 0) - v_counted, p_points) INTO v_lapsed
        FROM rewards_pointsallocation allocation JOIN rewards_pointsentry entry ON entry.id = allocation.entry_id
        WHERE allocation.lot_id = ANY (v_lots) AND entry.kind = 'EXPIRE';
        v_due := p_points - v_lapsed;
        SELECT least(coalesce(sum(points), 0), v_due) INTO v_covered FROM points_free(v_owner, p_at, false);
        EXIT WHEN v_covered = v_due;
        UPDATE rewards_pointshold SET state = 'RELEASED', closed_at = p_at, closed_by = p_by
        WHERE id = (SELECT id FROM rewards_pointshold
                    WHERE customer_id = v_owner AND state = 'OPEN' AND expires_at > p_at ORDER BY id DESC LIMIT 1);
        EXIT WHEN NOT FOUND;  -- else go on: what it kept may have lapsed meanwhile
    END LOOP;
    v_booked := CASE WHEN (points_terms()).shortfall_policy = 'DEBT' THEN v_due ELSE v_covered END;
    v_entry := points_post(
        v_owner, 'CLAW_BACK', -v_booked, p_reference, p_at, p_by, p_reason,
        jsonb_build_object('asked', p_points, 'lapsed', v_lapsed, 'forgiven', v_due - v_booked), p_award
    );
    IF v_covered > 0 THEN
        PERFORM points_take(v_owner, v_entry.id, v_covered, p_at, false, v_lots);
    END IF;
    RETURN NEXT v_entry;
END $$;
