-- What counts towards a tier today for the customers %(customers)s under the terms in force in this transaction, and
-- since when.
SELECT customer, tier_qualifying(customer, tier_reach_from(today), today),
       tier_reach_from(today)::timestamp AT TIME ZONE terms.timezone, terms.basis
FROM unnest(%(customers)s::bigint[]) AS customer, tier_day(%(at)s) AS today, tier_terms() AS terms
