-- Gives back p_points (NULL: all that is left) of what an entry took. Before all, points that later claw-backs forgave because
-- they were spent are made good: this undoes the spending. Then a debt is repaid. The rest goes back to the very lots it
-- came from, those that lapse last first, so that each keeps its date. Each lot that has lapsed meanwhile is carried on by
-- a new one, good for p_grace_days full days in the programme's zone: what lapses out of that too counts for the award that
-- brought the points. After a merge the present owner of the account gets them: for each lot that is not theirs a new one
-- that carries it on, with its dates. What is left to give is counted by lot, so that several parts give back what the whole
-- would. Returns the entry, which may be of 0 points; the first one when this reference is in the books already.
CREATE OR REPLACE FUNCTION points_reimburse(
    p_customer bigint, p_redeemed bigint, p_points bigint, p_reference text, p_at timestamptz, p_by text, p_reason text,
    p_grace_days integer
) RETURNS SETOF rewards_pointsentry LANGUAGE plpgsql AS $$
DECLARE
    v_owner bigint := points_lock_owner(p_customer);
    v_debt bigint;
    v_entry rewards_pointsentry;
    v_redeemed rewards_pointsentry;
    v_left bigint;
    v_asked bigint;
    v_recouped jsonb;
    v_given bigint;
    v_restored bigint;
    v_lots bigint[];
    v_points bigint[];
    v_renewed jsonb;
    v_timezone text := (points_terms()).timezone;
    v_grace_until timestamptz := (date_trunc('day', p_at AT TIME ZONE v_timezone)
                                  + make_interval(days => p_grace_days + 1)) AT TIME ZONE v_timezone;
BEGIN
    SELECT * INTO v_entry FROM rewards_pointsentry
    WHERE customer_id IN (SELECT points_relatives(p_customer)) AND kind = 'REIMBURSE' AND reference = p_reference;
    IF FOUND THEN
        RETURN NEXT v_entry;
        RETURN;
    END IF;

    SELECT * INTO STRICT v_redeemed FROM rewards_pointsentry WHERE id = p_redeemed AND customer_id = p_customer;
    SELECT -v_redeemed.points - coalesce(sum(coalesce((breakdown ->> 'asked')::bigint, points)), 0) INTO v_left
    FROM rewards_pointsentry WHERE corrects_id = p_redeemed;
    v_asked := coalesce(p_points, v_left);
    IF v_asked > v_left THEN
        RAISE EXCEPTION 'entry % has % points left to give back, not %', p_redeemed, v_left, v_asked
            USING ERRCODE = 'check_violation';
    END IF;

    SELECT parts, v_asked - points INTO v_recouped, v_given FROM points_recoup(v_redeemed, v_asked);
    SELECT debt INTO v_debt FROM rewards_pointsaccount WHERE customer_id = v_owner;
    v_restored := v_given - least(v_debt, v_given);
    WITH source AS (
        SELECT lot.id, lot.expires_at, lot.customer_id, allocation.points - coalesce(sum(back.points), 0)::bigint AS points
        FROM rewards_pointsallocation allocation
        JOIN rewards_pointslot lot ON lot.id = allocation.lot_id
        LEFT JOIN (
            SELECT lot_id, -given.points AS points
            FROM rewards_pointsallocation given JOIN rewards_pointsentry entry ON entry.id = given.entry_id
            WHERE entry.corrects_id = p_redeemed
            UNION ALL
            SELECT key::bigint, value::bigint
            FROM rewards_pointsentry entry, jsonb_each_text(entry.breakdown -> 'renewed')
            WHERE entry.corrects_id = p_redeemed
        ) back ON back.lot_id = lot.id
        WHERE allocation.entry_id = p_redeemed
        GROUP BY lot.id, allocation.id
    ), ordered AS (
        SELECT *, sum(points) OVER (ORDER BY expires_at DESC NULLS FIRST, id DESC)::bigint - points AS given_before
        FROM source WHERE points > 0
    ), given AS (
        SELECT id, customer_id = v_owner AND (expires_at IS NULL OR expires_at > p_at) AS is_same,
               least(points, v_restored - given_before) AS points
        FROM ordered WHERE given_before < v_restored
    )
    SELECT array_agg(id), array_agg(points), coalesce(jsonb_object_agg(id, points) FILTER (WHERE NOT is_same), '{}')
    INTO v_lots, v_points, v_renewed
    FROM given;

    v_entry := points_post(
        v_owner, 'REIMBURSE', v_given, p_reference, p_at, p_by, p_reason,
        jsonb_build_object('asked', v_asked, 'recouped', v_recouped, 'renewed', v_renewed), p_redeemed);
    WITH given AS (
        SELECT lot.*, part.points AS back, v_renewed ? lot.id::text AS is_new, lot.expires_at <= p_at AS is_lapsed
        FROM unnest(v_lots, v_points) AS part (lot, points) JOIN rewards_pointslot lot ON lot.id = part.lot
    ), allocated AS (
        INSERT INTO rewards_pointsallocation (customer_id, entry_id, lot_id, points)
        SELECT v_owner, v_entry.id, id, -back FROM given WHERE NOT is_new
    ), carried AS (
        INSERT INTO rewards_pointslot (customer_id, entry_id, origin_id, points, remaining, available_at, expires_at,
                                       idle_months)
        SELECT v_owner, v_entry.id, given.id, back, back, CASE WHEN is_lapsed THEN p_at ELSE available_at END,
               CASE WHEN is_lapsed THEN v_grace_until ELSE expires_at END, CASE WHEN NOT is_lapsed THEN idle_months END
        FROM given WHERE is_new ORDER BY given.expires_at, given.id
    )
    UPDATE rewards_pointslot lot SET remaining = lot.remaining + given.back
    FROM given WHERE lot.id = given.id AND NOT given.is_new;
    RETURN NEXT v_entry;
END $$;

-- Up to p_points that claw-backs after the redemption forgave and no reimbursement has made good yet, the oldest first: how
-- many in all, and of which claw-backs. In the accounts of whoever a merge joined it with, only those count that correct
-- awards of the redemption's own account, or whose points had come there before it: the others' were not spent by it.
CREATE OR REPLACE FUNCTION points_recoup(
    p_redeemed rewards_pointsentry, p_points bigint, OUT points bigint, OUT parts jsonb
) LANGUAGE sql STABLE AS $$
    WITH later AS (
        SELECT entry.* FROM rewards_pointsentry entry
        WHERE entry.customer_id IN (SELECT points_relatives(p_redeemed.customer_id))
          AND entry.kind IN ('CLAW_BACK', 'REIMBURSE') AND entry.id > p_redeemed.id
    ), recouped AS (
        SELECT key::bigint AS id, sum(value::bigint)::bigint AS points
        FROM later, jsonb_each_text(later.breakdown -> 'recouped')
        WHERE later.kind = 'REIMBURSE'
        GROUP BY key
    ), forgiven AS (
        SELECT later.id, (later.breakdown ->> 'forgiven')::bigint - coalesce(recouped.points, 0) AS points
        FROM later
        JOIN rewards_pointsentry award ON award.id = later.corrects_id
        LEFT JOIN recouped ON recouped.id = later.id
        WHERE later.kind = 'CLAW_BACK' AND (award.customer_id = p_redeemed.customer_id OR EXISTS (
            SELECT FROM rewards_pointslot origin, points_successors(origin.id) successor
            JOIN rewards_pointslot lot ON lot.id = successor
            WHERE origin.entry_id = award.id AND lot.customer_id = p_redeemed.customer_id AND lot.entry_id < p_redeemed.id))
    ), ordered AS (
        SELECT *, sum(points) OVER (ORDER BY id)::bigint - points AS before FROM forgiven WHERE points > 0
    ), part AS (
        SELECT id, least(points, p_points - before) AS points FROM ordered WHERE before < p_points
    )
    SELECT coalesce(sum(part.points), 0)::bigint, coalesce(jsonb_object_agg(part.id, part.points), '{}') FROM part
$$;
