-- How the points moved from each bound to the next, and after the last, by kind, with what became debt; as period 0 the
-- accounts as they are now, from which the past is counted back: what happened earlier need not be read. One snapshot.
-- Each period is read from the index points_entry_by_day alone. What lapses at a bound lapses before it.
SELECT period.number, moved.kind, moved.points, moved.debt
FROM (
    SELECT bound AS since, coalesce(lead(bound) OVER (ORDER BY bound), 'infinity') AS until,
           row_number() OVER (ORDER BY bound) AS number
    FROM unnest(%(bounds)s::timestamptz[]) AS bound
) period CROSS JOIN LATERAL (
    SELECT kind, sum(points)::bigint AS points,
           sum(greatest(0, -balance_after) - greatest(0, points - balance_after))::bigint AS debt
    FROM rewards_pointsentry
    WHERE happened_at >= period.since AND happened_at <= period.until
      AND CASE WHEN kind = 'EXPIRE' THEN happened_at > period.since ELSE happened_at < period.until END
    GROUP BY kind
) moved
UNION ALL
SELECT 0, 'ACCOUNTS', coalesce(sum(balance), 0)::bigint, coalesce(sum(debt), 0)::bigint FROM rewards_pointsaccount
