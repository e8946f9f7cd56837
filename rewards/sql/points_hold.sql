-- What holds that are active at p_at reserve of which lots.
CREATE OR REPLACE FUNCTION points_reserved(p_customers bigint[], p_at timestamptz)
RETURNS TABLE (lot_id bigint, points bigint) LANGUAGE sql STABLE AS $$
    SELECT part.lot_id, sum(part.points)::bigint
    FROM rewards_pointshold hold JOIN rewards_pointsholdpart part ON part.hold_id = hold.id
    WHERE hold.customer_id = ANY (p_customers) AND hold.state = 'OPEN' AND hold.expires_at > p_at
    GROUP BY part.lot_id
$$;

-- The customer's lots with what active holds leave of them, if anything; only those that can be spent at p_at when
-- p_spendable.
CREATE OR REPLACE FUNCTION points_free(p_customer bigint, p_at timestamptz, p_spendable boolean)
RETURNS TABLE (id bigint, points bigint, expires_at timestamptz) LANGUAGE sql STABLE AS $$
    SELECT lot.id, lot.remaining - coalesce(reserved.points, 0), lot.expires_at
    FROM rewards_pointslot lot LEFT JOIN points_reserved(ARRAY [p_customer], p_at) reserved ON reserved.lot_id = lot.id
    WHERE lot.customer_id = p_customer AND lot.remaining > 0 AND lot.remaining > coalesce(reserved.points, 0)
      AND (NOT p_spendable
           OR lot.available_at <= p_at AND (lot.expires_at IS NULL OR lot.expires_at > p_at))
$$;

-- Reserves p_points that can be spent at p_at, soonest lapse first, until p_expires_at. Returns the hold; the first one when
-- this reference is known; no row when there are not enough.
CREATE OR REPLACE FUNCTION points_hold(
    p_customer bigint, p_points bigint, p_reference text, p_at timestamptz, p_expires_at timestamptz, p_by text
) RETURNS SETOF rewards_pointshold LANGUAGE plpgsql AS $$
DECLARE
    v_hold rewards_pointshold;
BEGIN
    PERFORM points_lock(p_customer);
    SELECT * INTO v_hold FROM rewards_pointshold WHERE customer_id = p_customer AND reference = p_reference;
    IF FOUND THEN
        RETURN NEXT v_hold;
        RETURN;
    END IF;

    IF points_spendable(p_customer, p_at) < p_points THEN
        RETURN;
    END IF;
    INSERT INTO rewards_pointshold (customer_id, points, reference, state, held_at, expires_at, actor, closed_by)
    VALUES (p_customer, p_points, p_reference, 'OPEN', p_at, p_expires_at, p_by, '')
    RETURNING * INTO v_hold;
    INSERT INTO rewards_pointsholdpart (customer_id, hold_id, lot_id, points)
    SELECT p_customer, v_hold.id, id, least(points, p_points - kept_before)
    FROM (
        SELECT id, points, sum(points) OVER (ORDER BY expires_at ASC NULLS LAST, id)::bigint - points AS kept_before
        FROM points_free(p_customer, p_at, true)
    ) candidate
    WHERE kept_before < p_points;
    RETURN NEXT v_hold;
END $$;

-- A hold under the lock of its account, also of a customer who has left or was merged: all their holds are closed by then.
CREATE OR REPLACE FUNCTION points_lock_hold(p_hold bigint) RETURNS rewards_pointshold LANGUAGE plpgsql AS $$
DECLARE
    v_hold rewards_pointshold;
BEGIN
    PERFORM points_lock_account(customer_id) FROM rewards_pointshold WHERE id = p_hold;
    SELECT * INTO STRICT v_hold FROM rewards_pointshold WHERE id = p_hold;
    RETURN v_hold;
END $$;

-- Redeems exactly what the hold reserves, lapsed meanwhile or not. Returns the entry; the first one when it is captured
-- already; no row when it was released or has expired, or when a clock ahead of p_at saw it expired and gave its points
-- to somebody else.
CREATE OR REPLACE FUNCTION points_capture(p_hold bigint, p_at timestamptz, p_by text)
RETURNS SETOF rewards_pointsentry LANGUAGE plpgsql AS $$
DECLARE
    v_hold rewards_pointshold := points_lock_hold(p_hold);
    v_entry rewards_pointsentry;
BEGIN
    IF v_hold.state = 'CAPTURED' THEN
        RETURN QUERY SELECT * FROM rewards_pointsentry WHERE id = v_hold.entry_id;
        RETURN;
    END IF;
    IF v_hold.state <> 'OPEN' OR v_hold.expires_at <= p_at OR EXISTS (
        SELECT FROM rewards_pointsholdpart part JOIN rewards_pointslot lot ON lot.id = part.lot_id
        WHERE part.hold_id = p_hold AND lot.remaining < (
            SELECT sum(other.points)
            FROM rewards_pointsholdpart other JOIN rewards_pointshold hold ON hold.id = other.hold_id
            WHERE other.lot_id = lot.id AND hold.id >= p_hold AND hold.state = 'OPEN' AND hold.expires_at > p_at)
    ) THEN
        RETURN;
    END IF;

    v_entry := points_post(
        v_hold.customer_id, 'REDEEM', -v_hold.points, 'hold:' || p_hold, p_at, p_by, '', NULL, NULL);
    WITH allocated AS (
        INSERT INTO rewards_pointsallocation (customer_id, entry_id, lot_id, points)
        SELECT v_hold.customer_id, v_entry.id, lot_id, points FROM rewards_pointsholdpart WHERE hold_id = p_hold
    )
    UPDATE rewards_pointslot lot SET remaining = lot.remaining - part.points
    FROM rewards_pointsholdpart part WHERE part.hold_id = p_hold AND lot.id = part.lot_id;
    UPDATE rewards_pointshold SET state = 'CAPTURED', closed_at = p_at, closed_by = p_by, entry_id = v_entry.id
    WHERE id = p_hold;
    PERFORM points_keep_alive(v_hold.customer_id, p_at, p_at);
    RETURN NEXT v_entry;
END $$;

-- Ends a hold, unless it has been captured. Returns it as it then stands.
CREATE OR REPLACE FUNCTION points_release(p_hold bigint, p_at timestamptz, p_by text)
RETURNS SETOF rewards_pointshold LANGUAGE plpgsql AS $$
BEGIN
    PERFORM points_lock_hold(p_hold);
    UPDATE rewards_pointshold SET state = 'RELEASED', closed_at = p_at, closed_by = p_by
    WHERE id = p_hold AND state = 'OPEN';
    RETURN QUERY SELECT * FROM rewards_pointshold WHERE id = p_hold;
END $$;
