-- A coupon for each card, from its offer's first moment to its last; the ids of those that were not there.
INSERT INTO rewards_coupon (code, offer_id, customer_id, is_public, state, uses_max, uses_count, reference, issued_at,
                            expires_at)
SELECT told.code, offer.id, card.customer_id, false,
       CASE WHEN told.uses_count = told.uses_max THEN 'REDEEMED' ELSE 'ISSUED' END, told.uses_max, told.uses_count,
       told.reference, offer.valid_from, offer.valid_to
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::integer[], %s::integer[])
     AS told (offer, code, card, reference, uses_max, uses_count)
JOIN rewards_offer offer ON offer.id = told.offer
JOIN customers_card card ON card.number = told.card
ON CONFLICT (offer_id, reference) DO NOTHING
RETURNING id
