-- What a customer has at p_at: balance, debt and what active holds reserve, once for each date of lapse and for what can be
-- spent already or not yet; one row without points when there is no lot, none without an account.
CREATE OR REPLACE FUNCTION points_summary(p_customer bigint, p_at timestamptz)
RETURNS TABLE (balance bigint, debt bigint, held bigint, points bigint, is_available boolean, expires_at timestamptz)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH reserved AS MATERIALIZED (
        SELECT lot_id, points FROM points_reserved(ARRAY [p_customer], p_at)
    )
    SELECT account.balance, account.debt, (SELECT coalesce(sum(points), 0)::bigint FROM reserved), lot.points,
           lot.is_available, lot.expires_at
    FROM rewards_pointsaccount account
    LEFT JOIN (
        SELECT customer_id, sum(remaining - coalesce(reserved.points, 0))::bigint AS points,
               available_at <= p_at AS is_available, expires_at
        FROM rewards_pointslot LEFT JOIN reserved ON lot_id = id
        WHERE customer_id = p_customer AND remaining > 0 AND (expires_at IS NULL OR expires_at > p_at)
          AND remaining > coalesce(reserved.points, 0)
        GROUP BY customer_id, is_available, expires_at
    ) lot USING (customer_id)
    WHERE customer_id = p_customer
    ORDER BY lot.expires_at;
END $$;
