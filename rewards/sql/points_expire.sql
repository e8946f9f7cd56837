-- Books what has lapsed by p_at in these accounts, which the caller has locked: one entry for each account and moment of
-- lapse, in sets. What an active hold reserves stays until the hold ends.
CREATE OR REPLACE FUNCTION points_lapse(p_customers bigint[], p_at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    WITH due AS (
        SELECT customer_id, id, remaining - coalesce(reserved.points, 0) AS points, expires_at
        FROM rewards_pointslot LEFT JOIN points_reserved(p_customers, p_at) reserved ON lot_id = id
        WHERE customer_id = ANY (p_customers) AND remaining > 0 AND expires_at <= p_at
          AND remaining > coalesce(reserved.points, 0)
    ), moment AS (
        SELECT customer_id, expires_at, points, row_number() OVER past AS number, sum(points) OVER past AS points_so_far
        FROM (SELECT customer_id, expires_at, sum(points)::bigint AS points FROM due GROUP BY customer_id, expires_at) grouped
        WINDOW past AS (PARTITION BY customer_id ORDER BY expires_at)
    ), entry AS (
        INSERT INTO rewards_pointsentry (customer_id, seq, kind, points, balance_after, reference, happened_at, recorded_at,
                                         actor, reason)
        SELECT customer_id, last_seq + number, 'EXPIRE', -points, balance - points_so_far, 'lapse:' || last_seq + number,
               expires_at, now(), 'system', ''
        FROM moment JOIN rewards_pointsaccount USING (customer_id)
        RETURNING id, customer_id, happened_at
    ), allocated AS (
        INSERT INTO rewards_pointsallocation (customer_id, entry_id, lot_id, points)
        SELECT due.customer_id, entry.id, due.id, due.points
        FROM due JOIN entry ON entry.customer_id = due.customer_id AND entry.happened_at = due.expires_at
    ), emptied AS (
        UPDATE rewards_pointslot lot SET remaining = lot.remaining - due.points FROM due WHERE lot.id = due.id
    )
    UPDATE rewards_pointsaccount account SET balance = balance - total.points, last_seq = last_seq + total.entries
    FROM (SELECT customer_id, sum(points) AS points, count(*) AS entries FROM moment GROUP BY customer_id) total
    WHERE account.customer_id = total.customer_id;
END $$;

-- The same for up to p_limit lots that lapsed first. Accounts that somebody is just booking in are left for the next
-- call, so that no till waits for it and it waits for no till. Returns how many accounts it booked in.
CREATE OR REPLACE FUNCTION points_expire(p_at timestamptz, p_limit integer) RETURNS integer LANGUAGE plpgsql
SET plan_cache_mode = force_custom_plan  -- a plan for any number of accounts goes through them one by one
AS $$
DECLARE
    v_customers bigint[];
BEGIN
    SELECT array_agg(customer_id) INTO v_customers FROM (
        SELECT customer_id FROM rewards_pointsaccount
        WHERE customer_id IN (
            SELECT customer_id FROM rewards_pointslot lot
            WHERE remaining > 0 AND expires_at <= p_at AND remaining > coalesce((
                SELECT sum(part.points) FROM rewards_pointsholdpart part JOIN rewards_pointshold hold ON hold.id = hold_id
                WHERE lot_id = lot.id AND hold.state = 'OPEN' AND hold.expires_at > p_at), 0)
            ORDER BY expires_at LIMIT p_limit)
        FOR NO KEY UPDATE SKIP LOCKED
    ) locked;
    IF v_customers IS NULL THEN
        RETURN 0;
    END IF;
    PERFORM points_lapse(v_customers, p_at);
    RETURN cardinality(v_customers);
END $$;
