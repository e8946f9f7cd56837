-- What can be spent at p_at: in lots that are available and have not lapsed, whether or not the lapse is in the books, and
-- that no active hold reserves.
CREATE OR REPLACE FUNCTION points_spendable(p_customer bigint, p_at timestamptz) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(points), 0)::bigint FROM points_free(p_customer, p_at, true)
$$;

-- Takes p_points that can be spent at p_at (REDEEM, an activity, or ADJUST downwards). Returns the entry; the first one
-- when this kind and reference are in the books already; no row when there are not enough.
CREATE OR REPLACE FUNCTION points_redeem(
    p_customer bigint, p_kind text, p_points bigint, p_reference text, p_at timestamptz, p_by text, p_reason text
) RETURNS SETOF rewards_pointsentry LANGUAGE plpgsql AS $$
DECLARE
    v_entry rewards_pointsentry;
    v_lot record;
    v_found bigint := 0;
    v_lots bigint[] := '{}';
    v_parts bigint[] := '{}';
BEGIN
    PERFORM points_lock(p_customer);
    SELECT * INTO v_entry FROM rewards_pointsentry
    WHERE customer_id = p_customer AND kind = p_kind AND reference = p_reference;
    IF FOUND THEN
        RETURN NEXT v_entry;
        RETURN;
    END IF;

    FOR v_lot IN
        SELECT id, points FROM points_free(p_customer, p_at, true)
        ORDER BY expires_at ASC NULLS LAST, id
    LOOP
        v_lots := v_lots || v_lot.id;
        v_parts := v_parts || least(v_lot.points, p_points - v_found);
        v_found := v_found + least(v_lot.points, p_points - v_found);
        EXIT WHEN v_found = p_points;
    END LOOP;
    IF v_found < p_points THEN
        RETURN;
    END IF;
    v_entry := points_post(p_customer, p_kind, -p_points, p_reference, p_at, p_by, p_reason, NULL, NULL);
    FOR i IN 1 .. cardinality(v_lots) LOOP
        UPDATE rewards_pointslot SET remaining = remaining - v_parts[i] WHERE id = v_lots[i];
        INSERT INTO rewards_pointsallocation (customer_id, entry_id, lot_id, points)
        VALUES (p_customer, v_entry.id, v_lots[i], v_parts[i]);
    END LOOP;
    IF p_kind = 'REDEEM' THEN
        PERFORM points_keep_alive(p_customer, p_at, p_at);
    END IF;
    RETURN NEXT v_entry;
END $$;
