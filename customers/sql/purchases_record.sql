-- Books a purchase with its lines, in the order in which they are told; without lines when there are none. Returns its id,
-- nothing when the store has told this receipt before: a rival's transaction is waited for.
CREATE OR REPLACE FUNCTION purchases_record(
    p_store bigint, p_receipt text, p_customer bigint, p_source text, p_purchased_at timestamptz, p_at timestamptz,
    p_by text, p_currency text, p_total bigint, p_discount bigint, p_points_value bigint, p_gift_card bigint,
    p_fingerprint bytea, p_products bigint[], p_quantities numeric[], p_amounts bigint[], p_discounts bigint[],
    p_taxes bigint[]
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_purchase bigint;
BEGIN
    INSERT INTO customers_purchase (
        store_id, receipt_number, customer_id, source, purchased_at, recorded_at, recorded_by, currency,
        total_minor, discount_minor, points_value_minor, paid_minor, gift_card_minor, fingerprint)
    VALUES (
        p_store, p_receipt, p_customer, p_source, p_purchased_at, p_at, p_by, p_currency, p_total, p_discount,
        p_points_value, p_total - p_discount - p_points_value, p_gift_card, p_fingerprint)
    ON CONFLICT (store_id, receipt_number) DO NOTHING
    RETURNING id INTO v_purchase;
    IF v_purchase IS NOT NULL AND p_products <> '{}' THEN
        INSERT INTO customers_purchaseline (
            purchase_id, position, product_id, quantity, amount_minor, discount_minor, tax_minor)
        SELECT v_purchase, position, product, quantity, amount, discount, tax
        FROM unnest(p_products, p_quantities, p_amounts, p_discounts, p_taxes)
            WITH ORDINALITY AS line (product, quantity, amount, discount, tax, position);
    END IF;
    RETURN v_purchase;
END $$;
