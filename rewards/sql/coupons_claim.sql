-- Redeems coupons, each once, and counts them in their offers, within limit and budget, by conditional updates in the order
-- of ids. Says at which coupon or offer it stopped: the caller's transaction must then end.
CREATE OR REPLACE FUNCTION coupons_claim(
    p_coupons bigint[], p_discounts bigint[], p_purchase bigint, p_at timestamptz, p_by text,
    OUT refused_coupon bigint, OUT refused_offer bigint
) LANGUAGE plpgsql AS $$
DECLARE
    v_claim record;
    v_offer bigint;
BEGIN
    FOR v_claim IN SELECT * FROM unnest(p_coupons, p_discounts) AS told (coupon, discount) ORDER BY coupon LOOP
        UPDATE rewards_coupon
        SET state = 'REDEEMED', redeemed_at = p_at, redeemed_by = p_by, purchase_id = p_purchase,
            discount_minor = v_claim.discount
        WHERE id = v_claim.coupon AND state = 'ISSUED'
        RETURNING offer_id INTO v_offer;
        IF NOT FOUND THEN
            refused_coupon := v_claim.coupon;
            RETURN;
        END IF;
    END LOOP;
    IF cardinality(p_coupons) = 1 THEN
        IF NOT offers_count_redemptions(v_offer, 1, p_discounts[1]) THEN
            refused_offer := v_offer;
        END IF;
        RETURN;
    END IF;
    FOR v_claim IN
        SELECT offer_id AS offer, count(*) AS number, sum(discount)::bigint AS discount
        FROM unnest(p_coupons, p_discounts) AS told (coupon, discount) JOIN rewards_coupon ON id = coupon
        GROUP BY offer_id ORDER BY offer_id
    LOOP
        IF NOT offers_count_redemptions(v_claim.offer, v_claim.number, v_claim.discount) THEN
            refused_offer := v_claim.offer;
            RETURN;
        END IF;
    END LOOP;
END $$;

-- Moves an offer's counters by one conditional update; whether limit and budget allowed it.
CREATE OR REPLACE FUNCTION offers_count_redemptions(p_offer bigint, p_redemptions bigint, p_discount bigint)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    UPDATE rewards_offer
    SET redeemed_count = redeemed_count + p_redemptions, redeemed_minor = redeemed_minor + p_discount
    WHERE id = p_offer AND (redemptions_max IS NULL OR redemptions_max >= redeemed_count + p_redemptions)
      AND (budget_minor IS NULL OR budget_minor >= redeemed_minor + p_discount);
    RETURN FOUND;
END $$;
