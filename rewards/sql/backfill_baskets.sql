-- The purchases that can earn, with the tier that the customer was in and the time on the store's clock where a rule
-- asks for them; a tier that is reached by the purchase itself comes after it. A table of its own, to be analyzed: taken
-- for few, as fresh rows are, each would be compared with all that follows.
CREATE TEMPORARY TABLE backfill_baskets AS
SELECT purchase.id AS purchase_id, purchase.customer_id, purchase.store_id, purchase.purchased_at, purchase.currency,
       total_minor - discount_minor AS net, paid_minor - gift_card_minor AS paid, gift_card_minor AS gift_card,
       CASE WHEN %(has_windows)s THEN purchased_at AT TIME ZONE store.timezone END AS local_at,
       CASE WHEN %(has_tiers)s THEN (
           SELECT to_tier_id FROM rewards_tierchange change
           WHERE change.customer_id = purchase.customer_id AND change.happened_at < purchase.purchased_at
           ORDER BY change.happened_at DESC, change.id DESC LIMIT 1
       ) END AS tier_id
FROM customers_purchase purchase JOIN customers_store store ON store.id = purchase.store_id
WHERE purchase.id = ANY (%(purchases)s) AND purchase.customer_id IS NOT NULL AND purchase.currency = %(currency)s
  AND paid_minor > gift_card_minor
