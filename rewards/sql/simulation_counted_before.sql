-- What purchases of the customers %(customers)s earned in the year (of the programme's calendar) of %(since)s, before it,
-- less what their returns took back: caps count it.
SELECT award.customer_id, award.happened_at, award.points - coalesce(back.points, 0)
FROM rewards_pointsentry award
CROSS JOIN LATERAL (
    SELECT sum((breakdown ->> 'asked')::bigint)::bigint AS points FROM rewards_pointsentry
    WHERE corrects_id = award.id AND kind = 'CLAW_BACK' AND happened_at < %(since)s
) back
WHERE award.customer_id = ANY (%(customers)s) AND award.kind = 'AWARD' AND award.reference LIKE 'purchase:%%'
  AND award.happened_at >= (SELECT since - interval '7 days' FROM earning_period(%(since)s, 'YEAR', (points_terms()).timezone))
  AND award.happened_at < %(since)s
