-- Takes the lock of one call (p_lock, until the transaction ends) and then looks for its answer: whether somebody else holds
-- the lock; the answer, if there is one. Two statements, so that the look sees what the last holder committed.
CREATE OR REPLACE FUNCTION idempotent_calls_ask(
    p_till bigint, p_key text, p_lock bigint,
    OUT is_running boolean, OUT fingerprint bytea, OUT status smallint, OUT body text
) LANGUAGE plpgsql AS $$
BEGIN
    is_running := NOT pg_try_advisory_xact_lock(p_lock);
    IF NOT is_running THEN
        SELECT call.fingerprint, call.status, call.body INTO fingerprint, status, body
        FROM customers_idempotentcall call WHERE till_id = p_till AND key = p_key;
    END IF;
END $$;
