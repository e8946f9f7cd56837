-- Of the lots at an instant: points that could not be spent yet; points that had lapsed by then and whose lapse is not in the
-- books; and of the lots that were to lapse within the year before it, unless a merge carried others on in them: how many they are,
-- their points, and how many of these lapsed. One that renews what had lapsed is available later than the one before it.
SELECT pending.points, due.points, ended.number, ended.points, lapsed.points + due.recent
FROM (
    SELECT coalesce(sum(lot.points - coalesce(used.points, 0)), 0)::bigint AS points
    FROM rewards_pointslot lot
    JOIN rewards_pointsentry entry ON entry.id = lot.entry_id AND entry.happened_at < %(at)s
    LEFT JOIN LATERAL (
        SELECT sum(allocation.points) AS points
        FROM rewards_pointsallocation allocation JOIN rewards_pointsentry taker ON taker.id = allocation.entry_id
        WHERE allocation.lot_id = lot.id AND taker.happened_at < %(at)s
    ) used ON true
    WHERE lot.available_at > %(at)s
) pending, (
    SELECT coalesce(sum(remaining), 0)::bigint AS points,
           coalesce(sum(remaining) FILTER (WHERE expires_at > %(year_before)s), 0)::bigint AS recent
    FROM rewards_pointslot WHERE remaining > 0 AND expires_at <= %(at)s
) due, (
    SELECT count(*) AS number, coalesce(sum(lot.points), 0)::bigint AS points
    FROM rewards_pointslot lot LEFT JOIN rewards_pointslot origin ON origin.id = lot.origin_id
    WHERE lot.expires_at > %(year_before)s AND lot.expires_at <= %(at)s
      AND (lot.origin_id IS NULL OR origin.available_at < lot.available_at)
) ended, (
    SELECT coalesce(-sum(points), 0)::bigint AS points
    FROM rewards_pointsentry WHERE kind = 'EXPIRE' AND happened_at > %(year_before)s AND happened_at <= %(at)s
) lapsed
