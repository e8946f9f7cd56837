-- What follows from a purchase that was just recorded, in one call: points redeemed (what lapsed by p_at is gone, however far
-- back the till dates the purchase), points awarded, the account locked in any case, coupons claimed; and what the customer
-- has then. Says where it stopped: without the redeemed entry that was asked for there were not enough points; see
-- coupons_claim for the coupons. The caller's transaction must then end.
CREATE OR REPLACE FUNCTION checkout_book(
    p_purchase bigint, p_customer bigint, p_redeem bigint, p_award bigint, p_breakdown jsonb, p_purchased_at timestamptz,
    p_at timestamptz, p_by text, p_coupons bigint[], p_discounts bigint[],
    OUT redeemed rewards_pointsentry, OUT awarded rewards_pointsentry, OUT redemptions bigint[], OUT refusal text,
    OUT refused bigint, OUT balance bigint, OUT debt bigint, OUT held bigint, OUT points bigint[], OUT is_available boolean[],
    OUT expires_at timestamptz[]
) LANGUAGE plpgsql AS $$
DECLARE
    v_reference text := 'purchase:' || p_purchase;
BEGIN
    IF p_redeem > 0 THEN
        SELECT * INTO redeemed FROM points_redeem(p_customer, 'REDEEM', p_redeem, v_reference, p_at, p_by, '');
        IF redeemed.id IS NULL THEN
            RETURN;
        END IF;
    END IF;
    IF p_award > 0 THEN
        SELECT * INTO awarded
        FROM points_award(p_customer, 'AWARD', p_award, v_reference, p_purchased_at, p_by, '', p_breakdown, p_at);
    ELSIF p_customer IS NOT NULL AND p_redeem = 0 THEN
        PERFORM points_lock(p_customer);
    END IF;
    IF p_coupons <> '{}' THEN
        SELECT claimed.redemptions, claimed.refusal, claimed.refused INTO redemptions, refusal, refused
        FROM coupons_claim(p_coupons, p_discounts, p_purchase, p_customer, p_purchased_at, p_at, p_by) claimed;
        IF refusal IS NOT NULL THEN
            RETURN;
        END IF;
    END IF;
    IF p_customer IS NOT NULL THEN
        SELECT min(found.balance), min(found.debt), min(found.held), array_agg(found.points),
               array_agg(found.is_available), array_agg(found.expires_at)
        INTO balance, debt, held, points, is_available, expires_at
        FROM points_summary(p_customer, p_at) found;
    END IF;
END $$;
