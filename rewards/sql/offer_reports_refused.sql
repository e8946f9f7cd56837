-- How often coupons of an offer were refused, by store and reason, most first.
SELECT store.id, store.code, store.name, refused.reason, refused.times
FROM (SELECT store_id, reason, sum(times)::bigint AS times FROM rewards_refusaltally
      WHERE offer_id = %(offer)s GROUP BY store_id, reason) refused
JOIN customers_store store ON store.id = refused.store_id
ORDER BY refused.times DESC, store.code, refused.reason
