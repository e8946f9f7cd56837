-- What redemptions make in their offers and in their customers' tallies.
UPDATE rewards_offer offer
SET redeemed_count = redeemed_count + made.number, redeemed_minor = redeemed_minor + made.discount
FROM (SELECT offer_id, count(*) AS number, sum(discount_minor) AS discount
      FROM rewards_couponredemption WHERE id = ANY (%(redeemed)s) GROUP BY offer_id) made
WHERE offer.id = made.offer_id;
INSERT INTO rewards_offertally AS tally (offer_id, customer_id, period_start, used, discount_minor)
SELECT * FROM offers_tallied(%(redeemed)s)
ON CONFLICT (offer_id, customer_id, period_start) DO UPDATE
SET used = tally.used + excluded.used, discount_minor = tally.discount_minor + excluded.discount_minor
