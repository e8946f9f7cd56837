-- What the allocations put into the sum that must come to nothing; see rewards.domain.ledger. Those that give back count
-- one by one too, so that none is left out by ledger_sums_returned: others cannot make up for one under a strange key.
SELECT {part} AS part,
       sum(CASE WHEN points BETWEEN -%(large)s AND %(large)s
                THEN ((hashint8extended(lot_id, %(used)s # customer_id) >> 32)
                      - (hashint8extended(entry_id, %(taken)s # customer_id) >> 32)) * points END)
       + coalesce(sum(CASE WHEN points < 0 THEN hashint8extended(id, %(given)s) END), 0) AS total,
       max(points) > %(large)s OR min(points) < -%(large)s AS is_doubtful
FROM rewards_pointsallocation
{grouping}
