-- What purchases of the customers %(customers)s earned in the year (of the programme's calendar) of %(since)s, before it,
-- less what their returns took back: caps count it, from when on the programme knew of it.
SELECT award.customer_id, award.happened_at, award.points - coalesce(back.points, 0),
       greatest(purchase.recorded_at, award.happened_at) AS known_at
FROM rewards_pointsentry award
LEFT JOIN customers_purchase purchase ON purchase.id = substr(award.reference, 10)::bigint
CROSS JOIN LATERAL (
    SELECT sum((breakdown ->> 'asked')::bigint)::bigint AS points FROM rewards_pointsentry
    WHERE corrects_id = award.id AND kind = 'CLAW_BACK' AND happened_at < %(since)s
) back
WHERE award.customer_id = ANY (%(customers)s) AND award.kind = 'AWARD' AND award.reference LIKE 'purchase:%%'
  AND award.happened_at >= (SELECT since - interval '7 days' FROM earning_period(%(since)s, 'YEAR', (points_terms()).timezone))
  AND award.happened_at < %(since)s
ORDER BY known_at, award.id
