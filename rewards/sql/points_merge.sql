-- Who stands for a customer now: the last one in the chain of merges.
CREATE OR REPLACE FUNCTION points_owner(p_customer bigint) RETURNS bigint LANGUAGE sql STABLE AS $$
    WITH RECURSIVE chain AS (
        SELECT id, merged_into_id FROM customers_customer WHERE id = p_customer
        UNION ALL
        SELECT next.id, next.merged_into_id FROM customers_customer next JOIN chain ON next.id = chain.merged_into_id
    )
    SELECT id FROM chain WHERE merged_into_id IS NULL
$$;

-- The customer and all who were merged into them, also by way of others.
CREATE OR REPLACE FUNCTION points_family(p_customer bigint) RETURNS SETOF bigint LANGUAGE sql STABLE ROWS 1 AS $$
    WITH RECURSIVE family AS (
        SELECT p_customer AS id
        UNION ALL
        SELECT customer.id FROM customers_customer customer JOIN family ON customer.merged_into_id = family.id
    )
    SELECT id FROM family
$$;

-- The customer and all whom any merge ever joined with them, undone or not: in whose accounts something that was booked
-- for this person may stand.
CREATE OR REPLACE FUNCTION points_relatives(p_customer bigint) RETURNS SETOF bigint LANGUAGE sql STABLE ROWS 1 AS $$
    WITH RECURSIVE linked AS (
        SELECT p_customer AS id
        UNION
        SELECT CASE merge.source_id WHEN linked.id THEN merge.target_id ELSE merge.source_id END
        FROM linked JOIN customers_customermerge merge ON linked.id IN (merge.source_id, merge.target_id)
    )
    SELECT id FROM linked
$$;

-- A lot and all that carry it on, in whoever's account.
CREATE OR REPLACE FUNCTION points_successors(p_lot bigint) RETURNS SETOF bigint LANGUAGE sql STABLE ROWS 1 AS $$
    WITH RECURSIVE carried AS (
        SELECT p_lot AS id
        UNION ALL
        SELECT lot.id FROM rewards_pointslot lot JOIN carried ON lot.origin_id = carried.id
    )
    SELECT id FROM carried
$$;

-- The lot that this one carries on, by way of however many others; itself where it carries on none.
CREATE OR REPLACE FUNCTION points_first_lot(p_lot bigint) RETURNS bigint LANGUAGE sql STABLE AS $$
    WITH RECURSIVE carried AS (
        SELECT id, origin_id FROM rewards_pointslot WHERE id = p_lot
        UNION ALL
        SELECT origin.id, origin.origin_id FROM rewards_pointslot origin JOIN carried ON origin.id = carried.origin_id
    )
    SELECT id FROM carried WHERE origin_id IS NULL
$$;

-- Locks the account of who stands for the customer now, and returns whose it is. An account that turns out to be merged
-- when its lock is got is let go before the next one is waited for, so that nobody waits in a ring.
CREATE OR REPLACE FUNCTION points_lock_owner(p_customer bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_owner bigint;
BEGIN
    LOOP
        v_owner := points_owner(p_customer);
        BEGIN
            PERFORM points_lock_account(v_owner);
            IF points_owner(p_customer) = v_owner THEN
                RETURN v_owner;
            END IF;
            RAISE SQLSTATE 'LM001';
        EXCEPTION WHEN SQLSTATE 'LM001' THEN
            NULL;
        END;
    END LOOP;
END $$;

-- Ends all holds of a customer that are still open, active or not.
CREATE OR REPLACE FUNCTION points_release_holds(p_customer bigint, p_at timestamptz, p_by text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM points_lock_account(p_customer);
    UPDATE rewards_pointshold SET state = 'RELEASED', closed_at = p_at, closed_by = p_by
    WHERE customer_id = p_customer AND state = 'OPEN';
END $$;

-- Takes all that is left of these lots to another account, one lot for each with the same dates; a debt there is repaid
-- first, by those that lapse soonest. p_owed_points of p_owed_lots go over too although the lots do not hold them any
-- more: they come out of whatever else the account has, or make a debt. Both accounts are locked by the caller.
CREATE OR REPLACE FUNCTION points_carry(
    p_reference text, p_from bigint, p_to bigint, p_lots bigint[], p_owed_lots bigint[], p_owed_points bigint[],
    p_at timestamptz, p_by text
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_lots bigint[];
    v_points bigint[];
    v_left bigint;
    v_owed bigint;
    v_covered bigint;
    v_debt bigint;
    v_entry rewards_pointsentry;
BEGIN
    SELECT coalesce(array_agg(id ORDER BY id), '{}'), coalesce(array_agg(remaining ORDER BY id), '{}'),
           coalesce(sum(remaining), 0)
    INTO v_lots, v_points, v_left
    FROM rewards_pointslot WHERE id = ANY (p_lots) AND remaining > 0;
    SELECT coalesce(sum(points), 0) INTO v_owed FROM unnest(p_owed_points) points;
    IF v_left + v_owed = 0 THEN
        RETURN;
    END IF;

    SELECT least(v_owed, greatest(0, balance - v_left)) INTO v_covered
    FROM rewards_pointsaccount WHERE customer_id = p_from;
    v_entry := points_post(p_from, 'MERGE', -v_left - v_owed, p_reference, p_at, p_by, '', NULL, NULL);
    INSERT INTO rewards_pointsallocation (customer_id, entry_id, lot_id, points)
    SELECT p_from, v_entry.id, lot, points FROM unnest(v_lots, v_points) AS part (lot, points);
    UPDATE rewards_pointslot SET remaining = 0 WHERE id = ANY (v_lots);
    IF v_covered > 0 THEN
        PERFORM points_take(p_from, v_entry.id, v_covered, p_at, false, NULL);
    END IF;

    SELECT debt INTO v_debt FROM rewards_pointsaccount WHERE customer_id = p_to;
    v_entry := points_post(p_to, 'MERGE', v_left + v_owed, p_reference, p_at, p_by, '', NULL, NULL);
    WITH part AS (
        SELECT lot.id, part.points, part.number, lot.available_at, lot.expires_at, lot.idle_months,
               sum(part.points) OVER (
                   ORDER BY lot.expires_at ASC NULLS LAST, part.number ROWS UNBOUNDED PRECEDING)::bigint - part.points
                   AS brought_before
        FROM unnest(v_lots || p_owed_lots, v_points || p_owed_points) WITH ORDINALITY AS part (lot, points, number)
        JOIN rewards_pointslot lot ON lot.id = part.lot
    ), brought AS (
        INSERT INTO rewards_pointslot (customer_id, entry_id, origin_id, points, remaining, available_at, expires_at,
                                       idle_months)
        SELECT p_to, v_entry.id, id, points, points - greatest(0, least(points, v_debt - brought_before)), available_at,
               expires_at, idle_months
        FROM part ORDER BY number
        RETURNING id, points - remaining AS repaid
    )
    INSERT INTO rewards_pointsallocation (customer_id, entry_id, lot_id, points)
    SELECT p_to, v_entry.id, id, repaid FROM brought WHERE repaid > 0;
END $$;

-- All that the source has goes to the target, under the reference merge:<p_merge>: its lots, or its debt. Its open holds
-- are released. Both accounts are locked by the caller.
CREATE OR REPLACE FUNCTION points_merge(
    p_merge bigint, p_source bigint, p_target bigint, p_at timestamptz, p_by text
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_reference text := 'merge:' || p_merge;
    v_debt bigint;
    v_lots bigint[];
BEGIN
    PERFORM points_release_holds(p_source, p_at, p_by);
    PERFORM points_lapse(ARRAY [p_source, p_target], p_at);
    SELECT debt INTO v_debt FROM rewards_pointsaccount WHERE customer_id = p_source;
    IF v_debt > 0 THEN
        PERFORM points_post(p_source, 'MERGE', v_debt, v_reference, p_at, p_by, '', NULL, NULL);
        PERFORM points_owe(p_target, v_debt, v_reference, p_at, p_by);
        RETURN;
    END IF;
    SELECT array_agg(id) INTO v_lots FROM rewards_pointslot WHERE customer_id = p_source AND remaining > 0;
    PERFORM points_carry(v_reference, p_source, p_target, v_lots, '{}', '{}', p_at, p_by);
END $$;

-- Takes over a debt: from the lots in spending order, spendable or not yet; what is missing is a debt. Where holds keep
-- what is needed they are released.
CREATE OR REPLACE FUNCTION points_owe(p_customer bigint, p_points bigint, p_reference text, p_at timestamptz, p_by text)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_balance bigint;
    v_entry rewards_pointsentry;
BEGIN
    PERFORM points_release_holds(p_customer, p_at, p_by);
    PERFORM points_lapse(ARRAY [p_customer], p_at);
    SELECT balance INTO v_balance FROM rewards_pointsaccount WHERE customer_id = p_customer;
    v_entry := points_post(p_customer, 'MERGE', -p_points, p_reference, p_at, p_by, '', NULL, NULL);
    IF v_balance > 0 THEN
        PERFORM points_take(p_customer, v_entry.id, least(p_points, v_balance), p_at, false, NULL);
    END IF;
END $$;

-- Gives back what a debt that was taken over cost, under p_reference: a debt that is still there goes first, then the lots
-- that paid get theirs back. Points of later days that paid come back without a day of lapse.
CREATE OR REPLACE FUNCTION points_owe_no_more(
    p_customer bigint, p_owed bigint, p_reference text, p_at timestamptz, p_by text
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_points bigint;
    v_left bigint;
    v_given bigint;
    v_entry rewards_pointsentry;
BEGIN
    SELECT -points INTO v_points FROM rewards_pointsentry WHERE id = p_owed;
    SELECT v_points - least(debt, v_points) INTO v_left FROM rewards_pointsaccount WHERE customer_id = p_customer;
    v_entry := points_post(p_customer, 'MERGE', v_points, p_reference, p_at, p_by, '', NULL, NULL);
    WITH paid AS (
        SELECT lot.id, allocation.points, sum(allocation.points) OVER (
                   ORDER BY lot.expires_at DESC NULLS FIRST, lot.id DESC)::bigint - allocation.points AS given_before
        FROM rewards_pointsallocation allocation JOIN rewards_pointslot lot ON lot.id = allocation.lot_id
        WHERE allocation.entry_id = p_owed
    ), given AS (
        SELECT id, least(points, v_left - given_before) AS points FROM paid WHERE given_before < v_left
    ), restored AS (
        UPDATE rewards_pointslot lot SET remaining = lot.remaining + given.points FROM given WHERE lot.id = given.id
    ), allocated AS (
        INSERT INTO rewards_pointsallocation (customer_id, entry_id, lot_id, points)
        SELECT p_customer, v_entry.id, id, -points FROM given
    )
    SELECT coalesce(sum(points), 0) INTO v_given FROM given;
    IF v_left > v_given THEN
        INSERT INTO rewards_pointslot (customer_id, entry_id, points, remaining, available_at)
        VALUES (p_customer, v_entry.id, v_left - v_given, v_left - v_given, p_at);
    END IF;
END $$;

-- Separates what points_merge joined, under the reference merge-undo:<p_merge>. The source gets what is left of its lots,
-- also of those that a reimbursement of its redemptions made meanwhile, and what repaid the target's debt; a debt of the
-- source is its own again. Both accounts are locked by the caller.
CREATE OR REPLACE FUNCTION points_separate(
    p_merge bigint, p_source bigint, p_target bigint, p_at timestamptz, p_by text
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_reference text := 'merge-undo:' || p_merge;
    v_entry rewards_pointsentry;
    v_lots bigint[];
    v_owed_lots bigint[] := '{}';
    v_owed_points bigint[] := '{}';
BEGIN
    PERFORM points_release_holds(p_target, p_at, p_by);
    PERFORM points_lapse(ARRAY [p_source, p_target], p_at);
    SELECT * INTO v_entry FROM rewards_pointsentry
    WHERE customer_id = p_target AND kind = 'MERGE' AND reference = 'merge:' || p_merge;
    IF v_entry.points < 0 THEN
        PERFORM points_owe_no_more(p_target, v_entry.id, v_reference || ':debt', p_at, p_by);
        PERFORM points_post(p_source, 'MERGE', v_entry.points, v_reference || ':debt', p_at, p_by, '', NULL, NULL);
    ELSE
        SELECT coalesce(array_agg(lot_id), '{}'), coalesce(array_agg(points), '{}') INTO v_owed_lots, v_owed_points
        FROM rewards_pointsallocation WHERE entry_id = v_entry.id;
    END IF;

    WITH family AS (
        SELECT id FROM points_family(p_source) AS id
    ), came AS (
        SELECT lot.id
        FROM family
        JOIN rewards_pointslot origin ON origin.customer_id = family.id
        JOIN rewards_pointslot lot ON lot.origin_id = origin.id
        JOIN rewards_pointsentry entry ON entry.id = lot.entry_id
        WHERE entry.id = v_entry.id OR entry.kind = 'REIMBURSE' AND lot.customer_id NOT IN (SELECT id FROM family)
    )
    SELECT array_agg(DISTINCT lot.id) INTO v_lots
    FROM came, points_successors(came.id) successor JOIN rewards_pointslot lot ON lot.id = successor
    WHERE lot.customer_id = p_target AND lot.remaining > 0;
    PERFORM points_carry(v_reference, p_target, p_source, v_lots, v_owed_lots, v_owed_points, p_at, p_by);
END $$;

-- How many merges into each customer brought other points than they took: a merge, and its undoing, is two entries that sum to
-- nothing; and it brings one lot for each that it emptied, with the same points and dates.
CREATE OR REPLACE FUNCTION points_merge_faults() RETURNS TABLE (customer_id bigint, number bigint) LANGUAGE sql STABLE AS $$
    WITH half AS (
        SELECT merge.id, merge.source_id, entry.id AS entry_id, entry.customer_id, entry.points, told.reference
        FROM customers_customermerge merge
        CROSS JOIN LATERAL (
            VALUES ('merge:' || merge.id), ('merge-undo:' || merge.id), ('merge-undo:' || merge.id || ':debt')
        ) told (reference)
        JOIN rewards_pointsentry entry ON entry.customer_id IN (merge.source_id, merge.target_id)
            AND entry.kind = 'MERGE' AND entry.reference = told.reference
    ), odd_pair AS (
        SELECT half.id FROM half GROUP BY half.id, half.reference HAVING count(*) <> 2 OR sum(half.points) <> 0
    ), carried AS (
        SELECT half.id, allocation.lot_id AS origin_id, allocation.points, true AS is_same
        FROM half JOIN rewards_pointsallocation allocation ON allocation.entry_id = half.entry_id
        WHERE half.reference = 'merge:' || half.id AND half.customer_id = half.source_id
        UNION ALL
        SELECT half.id, origin.id, -lot.points,
               origin.customer_id = half.source_id AND lot.available_at = origin.available_at
                   AND lot.idle_months IS NOT DISTINCT FROM origin.idle_months
                   AND (lot.idle_months IS NOT NULL OR lot.expires_at IS NOT DISTINCT FROM origin.expires_at)
        FROM half
        JOIN rewards_pointslot lot ON lot.entry_id = half.entry_id
        LEFT JOIN rewards_pointslot origin ON origin.id = lot.origin_id
        WHERE half.reference = 'merge:' || half.id
    ), odd_lot AS (
        SELECT carried.id FROM carried GROUP BY carried.id, carried.origin_id
        HAVING sum(carried.points) <> 0 OR NOT coalesce(bool_and(carried.is_same), false)
    )
    SELECT merge.target_id, count(*) FROM customers_customermerge merge
    WHERE merge.id IN (SELECT id FROM odd_pair UNION ALL SELECT id FROM odd_lot)
    GROUP BY merge.target_id
$$;
