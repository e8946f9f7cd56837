-- What purchases of the customers %(customers)s made since %(since)s, and within what counts towards a tier today, earned
-- and kept in truth.
SELECT award.customer_id, sum(award.points - coalesce(back.points, 0))::bigint
FROM rewards_pointsentry award
CROSS JOIN LATERAL (
    SELECT sum((breakdown ->> 'asked')::bigint) AS points
    FROM rewards_pointsentry WHERE corrects_id = award.id AND kind = 'CLAW_BACK'
) back
WHERE award.customer_id = ANY (%(customers)s) AND award.kind = 'AWARD' AND award.reference LIKE 'purchase:%%'
  AND award.happened_at >= greatest(
      %(since)s, tier_reach_from(tier_day(%(at)s))::timestamp AT TIME ZONE (tier_terms()).timezone)
GROUP BY award.customer_id
