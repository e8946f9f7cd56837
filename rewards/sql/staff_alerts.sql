-- What staff and tills did from since to at, and of it: what they did for themselves, and who did unusually much.
-- Inserts an alert for each that was not told before; see rewards/domain/alerts.py for the figures.
WITH fact AS MATERIALIZED (
    SELECT 'ADJUSTMENT' AS what, asked_by AS actor, customer_id, 'adjustment:' || id AS fact, TRUE AS counts
    FROM rewards_pointsadjustment
    WHERE state <> 'REFUSED' AND asked_at >= %(since)s AND asked_at <= %(at)s
    UNION ALL  -- who let it pass has a part in it, but did not begin it
    SELECT 'ADJUSTMENT', decided_by, customer_id, 'adjustment:' || id, FALSE
    FROM rewards_pointsadjustment
    WHERE state = 'BOOKED' AND needs_second AND decided_at >= %(since)s AND decided_at <= %(at)s
    UNION ALL  -- what a file brought is nobody's doing; its rows have no fingerprint
    SELECT 'RETURN', back.recorded_by, purchase.customer_id, 'return:' || back.id, TRUE
    FROM customers_purchasereturn back JOIN customers_purchase purchase ON purchase.id = back.purchase_id
    WHERE back.fingerprint <> '' AND back.recorded_at >= %(since)s AND back.recorded_at <= %(at)s
    UNION ALL
    SELECT 'COUPON', event.actor, coupon.customer_id, event.subject, TRUE
    FROM customers_auditevent event
    JOIN rewards_coupon coupon ON coupon.id = substr(event.subject, length('coupon:') + 1)::bigint
    WHERE event.action = 'coupon.issued' AND event.subject LIKE 'coupon:%%'
      AND event.happened_at >= %(since)s AND event.happened_at <= %(at)s
    UNION ALL
    SELECT 'REWARD', closed_by, customer_id, 'redemption:' || id, FALSE
    FROM rewards_rewardredemption
    WHERE state = 'FULFILLED' AND closed_at >= %(since)s AND closed_at <= %(at)s
), own AS (
    SELECT 'OWN_' || fact.what AS kind, fact.actor, fact.fact, fact.customer_id, NULL::bigint AS number,
           NULL::numeric AS usual
    FROM fact
    JOIN customers_user member ON fact.actor = 'user:' || member.id
    JOIN customers_customer customer ON customer.id = fact.customer_id
    WHERE customer.email <> '' AND lower(customer.email) = lower(member.email)
       OR customer.phone <> '' AND customer.phone = member.phone
), done AS (
    SELECT what, actor, count(*) AS number FROM fact WHERE counts GROUP BY 1, 2
), busy AS (
    SELECT DISTINCT recorded_by AS actor FROM customers_purchase
    WHERE purchased_at >= %(since)s AND purchased_at <= %(at)s AND recorded_by LIKE 'till:%%'
), suspect AS (
    SELECT done.* FROM done JOIN jsonb_each_text(%(least)s::jsonb) AS least ON least.key = done.what
    WHERE done.number >= least.value::bigint
), peer AS (
    SELECT 'user:' || one.id AS actor, 'user:' || other.id AS peer
    FROM customers_user one
    JOIN customers_user other ON other.id <> one.id AND other.is_active
    WHERE 'user:' || one.id IN (SELECT actor FROM suspect)
      AND (one.is_superuser AND other.is_superuser OR EXISTS (
          SELECT FROM customers_user_groups a JOIN customers_user_groups b USING (group_id)
          WHERE a.user_id = one.id AND b.user_id = other.id))
    UNION ALL
    SELECT suspect.actor, busy.actor
    FROM (SELECT DISTINCT actor FROM suspect WHERE actor LIKE 'till:%%') AS suspect
    JOIN busy ON busy.actor <> suspect.actor
), unusual AS (
    SELECT suspect.what, suspect.actor, suspect.number,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY coalesce(done.number, 0)) AS usual
    FROM suspect
    JOIN peer ON peer.actor = suspect.actor
    LEFT JOIN done ON done.what = suspect.what AND done.actor = peer.peer
    GROUP BY 1, 2, 3
), many AS (
    SELECT 'MANY_' || what || 'S' AS kind, actor, %(day)s AS fact, NULL::bigint AS customer_id, number,
           usual::numeric AS usual
    FROM unusual
    WHERE number > %(times)s * usual AND NOT EXISTS (
        SELECT FROM rewards_staffalert told
        WHERE told.kind = 'MANY_' || what || 'S' AND told.actor = unusual.actor AND told.noticed_at > %(since)s)
)
INSERT INTO rewards_staffalert (kind, actor, fact, customer_id, number, usual, noticed_at, seen_by)
SELECT kind, actor, fact, customer_id, number, usual, %(at)s, '' FROM own
UNION ALL
SELECT kind, actor, fact, customer_id, number, usual, %(at)s, '' FROM many
ON CONFLICT DO NOTHING
