-- Redeems coupons, one use of each, by conditional updates in the order of ids, and counts them in their offers. A use that
-- was held for who redeems is consumed; what is held for others is not to be had. Says the word of the refusal and at which
-- coupon it stopped: the caller's transaction must then end.
CREATE OR REPLACE FUNCTION coupons_claim(
    p_coupons bigint[], p_discounts bigint[], p_purchase bigint, p_customer bigint, p_bought_at timestamptz,
    p_at timestamptz, p_by text, OUT redemptions bigint[], OUT refusal text, OUT refused bigint
) LANGUAGE plpgsql AS $$
DECLARE
    v_claim record;
    v_coupon record;
    v_counted record;
    v_offers bigint[];
    v_periods date[];
BEGIN
    FOR v_claim IN SELECT * FROM unnest(p_coupons, p_discounts) AS told (coupon, discount) ORDER BY coupon LOOP
        UPDATE rewards_coupon
        SET uses_count = uses_count + 1, state = CASE WHEN uses_count + 1 = uses_max THEN 'REDEEMED' ELSE state END
        WHERE id = v_claim.coupon AND state = 'ISSUED'
        RETURNING uses_count, uses_max INTO v_coupon;
        IF NOT FOUND THEN
            SELECT CASE state WHEN 'VOID' THEN 'coupon_void' ELSE 'coupon_already_redeemed' END, id INTO refusal, refused
            FROM rewards_coupon WHERE id = v_claim.coupon;
            RETURN;
        END IF;
        PERFORM coupon_holds_capture(v_claim.coupon, p_customer, p_at, p_by);
        IF v_coupon.uses_count + coupon_holds_live(v_claim.coupon, p_at) > v_coupon.uses_max THEN
            refusal := 'coupon_held';
            refused := v_claim.coupon;
            RETURN;
        END IF;
    END LOOP;
    FOR v_claim IN
        SELECT offer_id AS offer, count(*) AS number, sum(discount)::bigint AS discount, min(id) AS coupon
        FROM unnest(p_coupons, p_discounts) AS told (coupon, discount) JOIN rewards_coupon ON id = coupon
        GROUP BY offer_id ORDER BY offer_id
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
        SELECT coupon.id, coupon.offer_id, p_customer, p_purchase, told.discount,
               v_periods[array_position(v_offers, coupon.offer_id)], p_at, p_by, '', ''
        FROM unnest(p_coupons, p_discounts) AS told (coupon, discount) JOIN rewards_coupon coupon ON coupon.id = told.coupon
        ORDER BY coupon.id
        RETURNING id, coupon_id
    )
    SELECT array_agg(id ORDER BY coupon_id) INTO redemptions FROM made;
END $$;
