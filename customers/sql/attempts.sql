-- Takes one attempt of each key, or none: when one of them has none left in its window, the others get theirs back and
-- that one counts who was turned away. Whoever meets a limit that is used up already writes nothing else: a guesser who
-- goes on leaves no rows behind. Rows are locked in the order of their keys, so calls never wait in a circle. What is
-- returned are the ends of the windows that are used up. It waits for no disk: a crash forgets some failures.
CREATE OR REPLACE FUNCTION attempts_take(p_keys text[], p_starts timestamptz[], p_ends timestamptz[], p_limits int[])
RETURNS timestamptz[] LANGUAGE plpgsql AS $$
DECLARE
    v_taken text[];
    v_full timestamptz[];
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    WITH full_up AS (
        SELECT known.id
        FROM customers_attemptcount AS known
        JOIN unnest(p_keys, p_starts) AS wanted (key, start_at)
            ON known.key = wanted.key AND known.window_start = wanted.start_at
        WHERE known.failures >= known.failures_max
        ORDER BY known.key
        FOR NO KEY UPDATE OF known
    ), refused AS (
        UPDATE customers_attemptcount AS known
        SET turned_away = known.turned_away + 1
        FROM full_up WHERE known.id = full_up.id
        RETURNING known.window_end
    )
    SELECT array_agg(window_end) INTO v_full FROM refused;
    IF v_full IS NOT NULL THEN
        RETURN v_full;
    END IF;
    WITH taken AS (
        INSERT INTO customers_attemptcount AS known (key, window_start, window_end, failures, failures_max)
        SELECT key, start_at, end_at, 1, failures_max
        FROM unnest(p_keys, p_starts, p_ends, p_limits) AS wanted (key, start_at, end_at, failures_max)
        ORDER BY key
        ON CONFLICT (key, window_start) DO UPDATE SET failures = known.failures + 1
        WHERE known.failures < known.failures_max
        RETURNING key
    )
    SELECT array_agg(key) INTO v_taken FROM taken;
    IF cardinality(coalesce(v_taken, '{}')) = cardinality(p_keys) THEN
        RETURN '{}';
    END IF;
    UPDATE customers_attemptcount AS known
    SET failures = known.failures - 1
    FROM unnest(p_keys, p_starts) AS wanted (key, start_at)
    WHERE known.key = wanted.key AND known.window_start = wanted.start_at AND known.key = ANY(v_taken);
    WITH refused AS (
        UPDATE customers_attemptcount AS known
        SET turned_away = known.turned_away + 1
        FROM unnest(p_keys, p_starts) AS wanted (key, start_at)
        WHERE known.key = wanted.key AND known.window_start = wanted.start_at AND known.key <> ALL(coalesce(v_taken, '{}'))
        RETURNING known.window_end
    )
    SELECT array_agg(window_end) INTO v_full FROM refused;
    RETURN v_full;
END $$;

-- The code was a good one: it was no failure.
CREATE OR REPLACE FUNCTION attempts_give_back(p_keys text[], p_starts timestamptz[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    PERFORM 1
    FROM customers_attemptcount AS known
    JOIN unnest(p_keys, p_starts) AS given (key, start_at) ON known.key = given.key AND known.window_start = given.start_at
    ORDER BY known.key
    FOR UPDATE OF known;
    UPDATE customers_attemptcount AS known
    SET failures = known.failures - 1
    FROM unnest(p_keys, p_starts) AS given (key, start_at)
    WHERE known.key = given.key AND known.window_start = given.start_at AND known.failures > 0;
END $$;
