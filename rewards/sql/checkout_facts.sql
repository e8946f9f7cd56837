-- A number that changes with any row of what purchases are earned by: programme, earning rules, tiers in use. Each new
-- version of a row lies in another place (ctid) or was written by another transaction (xmin).
CREATE OR REPLACE FUNCTION checkout_terms_version() RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT coalesce(bit_xor(hashtidextended(place, (kind << 32) + writer::text::bigint)), 0)
            FROM (SELECT 1::bigint AS kind, ctid AS place, xmin AS writer FROM rewards_program
                  UNION ALL SELECT 2, ctid, xmin FROM rewards_earningrule
                  UNION ALL SELECT 3, ctid, xmin FROM rewards_tier) AS version);
END $$;

-- What must be known before a purchase is priced, in one look: whether this receipt was told, the version of the terms, the
-- products (id and category by sku), whether any surprise rule could fit, whether a lucky draw could draw it, now or later.
CREATE OR REPLACE FUNCTION checkout_facts(
    p_store bigint, p_receipt text, p_skus text[], p_purchased_at timestamptz, p_total bigint,
    OUT is_told boolean, OUT terms_version bigint, OUT may_surprise boolean, OUT may_draw boolean, OUT skus text[],
    OUT products bigint[], OUT categories bigint[]
) LANGUAGE plpgsql STABLE AS $$
BEGIN
    is_told := EXISTS (SELECT FROM customers_purchase WHERE store_id = p_store AND receipt_number = p_receipt);
    terms_version := checkout_terms_version();
    may_surprise := EXISTS (
        SELECT FROM rewards_surpriserule
        WHERE at_till AND activated_at <= p_purchased_at AND active_from <= p_purchased_at
          AND (active_to IS NULL OR active_to > p_purchased_at) AND (ended_at IS NULL OR ended_at > p_purchased_at)
          AND (threshold_minor IS NULL OR threshold_minor < p_total));
    may_draw := EXISTS (
        SELECT FROM rewards_surpriserule
        WHERE trigger = 'RANDOM_DRAW' AND activated_at <= p_purchased_at
          AND (ended_at IS NULL OR ended_at > p_purchased_at));
    SELECT array_agg(sku), array_agg(id), array_agg(category_id) INTO skus, products, categories
    FROM customers_product WHERE sku = ANY (p_skus);
END $$;
