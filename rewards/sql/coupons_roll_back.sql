-- Undoes redemptions, each once, by a conditional update: a use of the coupon is free again, and offer and tallies no longer
-- count it. Coupons are locked by id, then offers by id, then tallies by key. Returns those that were undone by this call.
CREATE OR REPLACE FUNCTION coupons_roll_back(
    p_redemptions bigint[], p_returns bigint[], p_reason text, p_at timestamptz, p_by text
) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    v_undone bigint[];
BEGIN
    PERFORM FROM rewards_coupon
    WHERE id IN (SELECT coupon_id FROM rewards_couponredemption WHERE id = ANY (p_redemptions))
    ORDER BY id FOR NO KEY UPDATE;
    WITH undone AS (
        UPDATE rewards_couponredemption redemption
        SET rolled_back_at = p_at, rolled_back_by = p_by, purchase_return_id = told.purchase_return, reason = p_reason
        FROM unnest(p_redemptions, p_returns) AS told (redemption, purchase_return)
        WHERE redemption.id = told.redemption AND redemption.rolled_back_at IS NULL
        RETURNING redemption.id
    )
    SELECT coalesce(array_agg(id ORDER BY id), '{}') INTO v_undone FROM undone;
    UPDATE rewards_coupon
    SET uses_count = uses_count - undone.number, state = CASE state WHEN 'VOID' THEN state ELSE 'ISSUED' END
    FROM (SELECT coupon_id, count(*) AS number FROM rewards_couponredemption WHERE id = ANY (v_undone) GROUP BY 1) undone
    WHERE id = undone.coupon_id;
    PERFORM offers_uncount(v_undone);
    RETURN v_undone;
END $$;
