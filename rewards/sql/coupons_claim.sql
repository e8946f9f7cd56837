-- Redeems coupons, one use of each, by conditional updates in the order of ids, and counts them in their offers. A use that
-- was held for who redeems is consumed; what is held for others is not to be had. Says the word of the refusal and at which
-- coupon it stopped: the caller's transaction must then end.
-- No statement joins a table to the arrays: a plan for arrays of any length would look dearer than one for these, so that
-- each call would be planned anew, for longer than it runs.
CREATE OR REPLACE FUNCTION coupons_claim(
    p_coupons bigint[], p_discounts bigint[], p_purchase bigint, p_customer bigint, p_bought_at timestamptz,
    p_at timestamptz, p_by text, OUT redemptions bigint[], OUT refusal text, OUT refused bigint
) LANGUAGE plpgsql AS $$
DECLARE
    v_claim record;
    v_coupon record;
    v_counted record;
    v_coupons bigint[];
    v_discounts bigint[];
    v_offer_of bigint[];
    v_offers bigint[];
    v_periods date[];
BEGIN
    FOR v_claim IN SELECT * FROM unnest(p_coupons, p_discounts) AS told (coupon, discount) ORDER BY coupon LOOP
        UPDATE rewards_coupon
        SET uses_count = uses_count + 1, state = CASE WHEN uses_count + 1 = uses_max THEN 'REDEEMED' ELSE state END
        WHERE id = v_claim.coupon AND state = 'ISSUED'
        RETURNING uses_count, uses_max, offer_id INTO v_coupon;
        IF NOT FOUND THEN
            SELECT CASE state WHEN 'VOID' THEN 'coupon_void' ELSE 'coupon_already_redeemed' END, id INTO refusal, refused
            FROM rewards_coupon WHERE id = v_claim.coupon;
            RETURN;
        END IF;
        -- Most are held by nobody: one look instead of three calls. Whoever holds one locks the coupon's row first.
        IF EXISTS (SELECT FROM rewards_couponhold
                   WHERE coupon_id = v_claim.coupon AND released_at IS NULL AND captured_at IS NULL) THEN
            PERFORM coupon_holds_capture(v_claim.coupon, p_customer, p_at, p_by);
            IF v_coupon.uses_count + coupon_holds_live(v_claim.coupon, p_at) > v_coupon.uses_max THEN
                refusal := 'coupon_held';
                refused := v_claim.coupon;
                RETURN;
            END IF;
        END IF;
        v_coupons := v_coupons || v_claim.coupon;
        v_discounts := v_discounts || v_claim.discount;
        v_offer_of := v_offer_of || v_coupon.offer_id;
    END LOOP;
    FOR v_claim IN
        SELECT offer, count(*) AS number, sum(discount)::bigint AS discount, min(coupon) AS coupon
        FROM unnest(v_coupons, v_discounts, v_offer_of) AS told (coupon, discount, offer)
        GROUP BY offer ORDER BY offer
    LOOP
        SELECT * INTO v_counted
        FROM offers_count(v_claim.offer, p_customer, p_bought_at, v_claim.number, v_claim.discount);
        IF v_counted.refusal IS NOT NULL THEN
            refusal := v_counted.refusal;
            refused := v_claim.coupon;
            RETURN;
        END IF;
        v_offers := v_offers || v_claim.offer;
        v_periods := v_periods || v_counted.period_start;
    END LOOP;
    WITH made AS (
        INSERT INTO rewards_couponredemption (coupon_id, offer_id, customer_id, purchase_id, discount_minor, period_start,
                                              redeemed_at, redeemed_by, rolled_back_by, reason)
        SELECT coupon, offer, p_customer, p_purchase, discount, v_periods[array_position(v_offers, offer)], p_at, p_by, '', ''
        FROM unnest(v_coupons, v_discounts, v_offer_of) AS told (coupon, discount, offer)
        ORDER BY coupon
        RETURNING id, coupon_id
    )
    SELECT array_agg(id ORDER BY coupon_id) INTO redemptions FROM made;
END $$;

-- One use without a purchase, of who is a customer with their account locked first.
CREATE OR REPLACE FUNCTION coupons_redeem(
    p_coupon bigint, p_customer bigint, p_at timestamptz, p_by text,
    OUT redemptions bigint[], OUT refusal text, OUT refused bigint
) LANGUAGE plpgsql AS $$
BEGIN
    IF p_customer IS NOT NULL THEN
        PERFORM points_lock(p_customer);
    END IF;
    SELECT * INTO redemptions, refusal, refused
    FROM coupons_claim(ARRAY[p_coupon], ARRAY[0]::bigint[], NULL, p_customer, p_at, p_at, p_by);
END $$;
