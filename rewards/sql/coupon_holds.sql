-- How many uses of a coupon are held at p_at. The coupon's row is locked.
CREATE OR REPLACE FUNCTION coupon_holds_live(p_coupon bigint, p_at timestamptz) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT count(*) FROM rewards_couponhold
            WHERE coupon_id = p_coupon AND released_at IS NULL AND captured_at IS NULL AND expires_at > p_at);
END $$;

-- The live hold that is theirs, if any: which the same till made, unless for another customer, or anybody for this customer.
CREATE OR REPLACE FUNCTION coupon_holds_own(p_coupon bigint, p_customer bigint, p_at timestamptz, p_by text)
RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT id FROM rewards_couponhold
            WHERE coupon_id = p_coupon AND released_at IS NULL AND captured_at IS NULL AND expires_at > p_at
              AND (customer_id = p_customer OR actor = p_by AND (customer_id IS NULL OR p_customer IS NULL))
            ORDER BY actor = p_by DESC, customer_id = p_customer DESC NULLS LAST, id LIMIT 1);
END $$;

-- Ends their hold, if they have one, because the use that it kept is redeemed. The coupon's row is locked; the hold may be
-- released at this very moment.
CREATE OR REPLACE FUNCTION coupon_holds_capture(p_coupon bigint, p_customer bigint, p_at timestamptz, p_by text)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE rewards_couponhold SET captured_at = p_at
    WHERE id = coupon_holds_own(p_coupon, p_customer, p_at, p_by) AND released_at IS NULL;
END $$;

-- Holds one use of a coupon until p_expires_at, or their own hold for longer, with the coupon's row locked. Says the word of
-- the refusal, or which hold it is.
CREATE OR REPLACE FUNCTION coupon_holds_make(
    p_coupon bigint, p_customer bigint, p_public_id text, p_expires_at timestamptz, p_at timestamptz, p_by text,
    OUT hold bigint, OUT refusal text
) LANGUAGE plpgsql AS $$
DECLARE
    v_coupon record;
BEGIN
    SELECT state, uses_count, uses_max INTO v_coupon FROM rewards_coupon WHERE id = p_coupon FOR NO KEY UPDATE;
    IF v_coupon.state <> 'ISSUED' THEN
        refusal := CASE v_coupon.state WHEN 'VOID' THEN 'coupon_void' ELSE 'coupon_already_redeemed' END;
        RETURN;
    END IF;
    UPDATE rewards_couponhold
    SET held_at = p_at, expires_at = p_expires_at, actor = p_by, customer_id = coalesce(customer_id, p_customer)
    WHERE id = coupon_holds_own(p_coupon, p_customer, p_at, p_by) AND released_at IS NULL
    RETURNING id INTO hold;
    IF FOUND THEN
        RETURN;
    END IF;
    IF v_coupon.uses_count + coupon_holds_live(p_coupon, p_at) >= v_coupon.uses_max THEN
        refusal := 'coupon_held';
        RETURN;
    END IF;
    INSERT INTO rewards_couponhold (coupon_id, customer_id, actor, public_id, held_at, expires_at)
    VALUES (p_coupon, p_customer, p_by, p_public_id, p_at, p_expires_at)
    RETURNING id INTO hold;
END $$;
