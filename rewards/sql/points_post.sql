-- The account, locked until the transaction ends, whatever became of the customer. Every function that books takes this
-- lock before it looks at anything else of the customer, and looks in later statements, which see what the last holder
-- committed.
CREATE OR REPLACE FUNCTION points_lock_account(p_customer bigint) RETURNS rewards_pointsaccount LANGUAGE plpgsql AS $$
DECLARE
    v_account rewards_pointsaccount;
BEGIN
    LOOP
        SELECT * INTO v_account FROM rewards_pointsaccount WHERE customer_id = p_customer FOR NO KEY UPDATE;
        IF FOUND THEN
            RETURN v_account;
        END IF;
        INSERT INTO rewards_pointsaccount (customer_id, balance, debt, last_seq) VALUES (p_customer, 0, 0, 0)
        ON CONFLICT DO NOTHING;
    END LOOP;
END $$;

-- The account of a customer of the programme, locked to book something new. Refused when they were merged into another
-- one, whose account it is then, or have left.
CREATE OR REPLACE FUNCTION points_lock(p_customer bigint) RETURNS rewards_pointsaccount LANGUAGE plpgsql AS $$
DECLARE
    v_account rewards_pointsaccount := points_lock_account(p_customer);
    v_customer record;
BEGIN
    SELECT merged_into_id, closed_at INTO v_customer FROM customers_customer WHERE id = p_customer;
    IF v_customer.closed_at IS NOT NULL THEN
        RAISE EXCEPTION 'customer % is not in the programme', p_customer
            USING ERRCODE = 'check_violation',
                  CONSTRAINT = CASE WHEN v_customer.merged_into_id IS NULL THEN 'points_customer_is_not_closed'
                                    ELSE 'points_customer_is_not_merged' END;
    END IF;
    RETURN v_account;
END $$;

-- Writes one entry and moves the balance. The caller holds the lock and moves the lots.
CREATE OR REPLACE FUNCTION points_post(
    p_customer bigint, p_kind text, p_points bigint, p_reference text, p_at timestamptz, p_by text, p_reason text,
    p_breakdown jsonb, p_corrects bigint
) RETURNS rewards_pointsentry LANGUAGE plpgsql AS $$
DECLARE
    v_entry rewards_pointsentry;
BEGIN
    WITH account AS (
        UPDATE rewards_pointsaccount
        SET balance = balance + p_points, debt = greatest(0, -(balance + p_points)), last_seq = last_seq + 1
        WHERE customer_id = p_customer
        RETURNING last_seq, balance
    )
    INSERT INTO rewards_pointsentry (customer_id, seq, kind, points, balance_after, reference, happened_at, recorded_at,
                                     actor, reason, breakdown, corrects_id)
    SELECT p_customer, last_seq, p_kind, p_points, balance, p_reference, p_at, now(), p_by, p_reason, p_breakdown,
           p_corrects
    FROM account
    RETURNING * INTO STRICT v_entry;
    RETURN v_entry;
END $$;

-- Takes p_points from the customer's lots in spending order, soonest lapse first, and remembers which; never what active
-- holds reserve. Only from lots that can be spent at p_at when p_spendable; from p_first_lots before all others when given.
CREATE OR REPLACE FUNCTION points_take(
    p_customer bigint, p_entry bigint, p_points bigint, p_at timestamptz, p_spendable boolean, p_first_lots bigint[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_taken bigint;
BEGIN
    WITH candidate AS (
        SELECT id, points, sum(points) OVER (
                   ORDER BY coalesce(id = ANY (p_first_lots), false) DESC, expires_at ASC NULLS LAST, id
               )::bigint - points AS taken_before
        FROM points_free(p_customer, p_at, p_spendable)
    ), taken AS (
        SELECT id, least(points, p_points - taken_before) AS points FROM candidate WHERE taken_before < p_points
    ), reduced AS (
        UPDATE rewards_pointslot lot SET remaining = lot.remaining - taken.points FROM taken WHERE lot.id = taken.id
    ), allocated AS (
        INSERT INTO rewards_pointsallocation (customer_id, entry_id, lot_id, points)
        SELECT p_customer, p_entry, id, points FROM taken
        RETURNING points
    )
    SELECT coalesce(sum(points), 0) INTO v_taken FROM allocated;
    IF v_taken <> p_points THEN
        RAISE EXCEPTION 'the lots of customer % hold % of % points', p_customer, v_taken, p_points
            USING ERRCODE = 'check_violation';
    END IF;
END $$;

-- The customer was active at p_at, and it is booked at p_booked_at: lots that lapse some months after the last activity, and
-- had not lapsed by either, lapse that long after p_at; never earlier than they would have. What has lapsed stays so,
-- whether or not the lapse is in the books. Spent ones too, and those left with customers merged into this one: points
-- may come back to them.
CREATE OR REPLACE FUNCTION points_keep_alive(p_customer bigint, p_at timestamptz, p_booked_at timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    v_open_at timestamptz := greatest(p_at, p_booked_at);
BEGIN
    -- Most have no such lot and nobody merged into them: two looks at an index instead of a search through the family.
    IF EXISTS (SELECT FROM rewards_pointslot
               WHERE customer_id = p_customer AND idle_months IS NOT NULL AND expires_at > v_open_at)
       OR EXISTS (SELECT FROM customers_customer WHERE merged_into_id = p_customer) THEN
        UPDATE rewards_pointslot lot SET expires_at = later.lapse
        FROM rewards_pointslot moving, points_terms() terms, points_lapse_at(
            p_at, 'INACTIVITY', moving.idle_months, terms.expiry_period_end, '', terms.timezone) AS later (lapse)
        WHERE moving.customer_id IN (SELECT points_family(p_customer)) AND moving.idle_months IS NOT NULL
          AND moving.expires_at > v_open_at AND moving.expires_at < later.lapse AND lot.id = moving.id;
    END IF;
END $$;

-- When a lot of p_months that would lapse at p_lapse_at lapses for what the customer did until then and is in the books
-- already: so the order in which purchases are told makes no difference.
CREATE OR REPLACE FUNCTION points_kept_alive(p_customer bigint, p_lapse_at timestamptz, p_months integer)
RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_lapse_at timestamptz := p_lapse_at;
    v_active_at timestamptz;
    v_later timestamptz;
BEGIN
    LOOP
        SELECT max(happened_at) INTO v_active_at FROM rewards_pointsentry
        WHERE customer_id IN (SELECT points_family(p_customer)) AND happened_at < v_lapse_at
          AND (kind = 'REDEEM' OR kind = 'AWARD' AND reference LIKE 'purchase:%');
        SELECT points_lapse_at(v_active_at, 'INACTIVITY', p_months, expiry_period_end, '', timezone)
        INTO v_later FROM points_terms();
        IF v_later IS NULL OR v_later <= v_lapse_at THEN
            RETURN v_lapse_at;
        END IF;
        v_lapse_at := v_later;
    END LOOP;
END $$;
