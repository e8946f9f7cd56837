-- What stands beside the rows of offers for a customer and a purchase at p_at: what each is for, whether the customer is in
-- its segment, and how often it was used by the customer, in its period, and by the customer in it: only where it has a
-- limit of that. One offer after the other, so that its plan serves for any number of them; a plan for an array of offers
-- would be made anew each time.
CREATE OR REPLACE FUNCTION offers_scopes(p_customer bigint, p_at timestamptz, p_offers bigint[])
RETURNS TABLE (
    offer bigint, products bigint[], categories bigint[], stores bigint[], is_member boolean,
    used_by_customer bigint, used_in_period bigint, used_by_customer_in_period bigint
) LANGUAGE plpgsql STABLE ROWS 1 AS $$
BEGIN
    FOREACH offer IN ARRAY p_offers LOOP
        RETURN QUERY
        SELECT offer,
               ARRAY (SELECT product_id FROM rewards_offer_products WHERE offer_id = offer),
               ARRAY (SELECT category_id FROM rewards_offer_categories WHERE offer_id = offer),
               ARRAY (SELECT store_id FROM rewards_offer_stores WHERE offer_id = offer),
               EXISTS (SELECT FROM customers_segmentmember
                       WHERE segment_id = terms.segment_id AND customer_id = p_customer),
               CASE WHEN terms.customer_max IS NOT NULL AND p_customer IS NOT NULL
                    THEN offers_used(offer, p_customer, NULL) END,
               CASE WHEN terms.period_max IS NOT NULL
                    THEN offers_used(offer, NULL, offers_period_start(terms.period, p_at)) END,
               CASE WHEN terms.customer_period_max IS NOT NULL AND p_customer IS NOT NULL
                    THEN offers_used(offer, p_customer, offers_period_start(terms.period, p_at)) END
        FROM rewards_offer terms WHERE terms.id = offer;
    END LOOP;
END $$;

-- Coupons by their codes, with their offers and what stands beside these.
CREATE OR REPLACE FUNCTION coupons_shown(p_codes text[], p_customer bigint, p_at timestamptz)
RETURNS TABLE (
    coupon rewards_coupon, offer rewards_offer, products bigint[], categories bigint[], stores bigint[], is_member boolean,
    used_by_customer bigint, used_in_period bigint, used_by_customer_in_period bigint
) LANGUAGE plpgsql STABLE ROWS 1 AS $$
DECLARE
    v_code text;
BEGIN
    FOREACH v_code IN ARRAY p_codes LOOP
        RETURN QUERY
        SELECT shown, terms, scope.products, scope.categories, scope.stores, scope.is_member, scope.used_by_customer,
               scope.used_in_period, scope.used_by_customer_in_period
        FROM rewards_coupon shown JOIN rewards_offer terms ON terms.id = shown.offer_id,
             offers_scopes(p_customer, p_at, ARRAY[terms.id]) AS scope
        WHERE shown.code = v_code;
    END LOOP;
END $$;
