-- What the lots put into the sum that must come to nothing; see rewards.domain.ledger.
SELECT {part} AS part,
       sum(CASE WHEN points <= %(large)s
                THEN (hashint8extended(customer_id, %(held)s) >> 32) * remaining
                     - (hashint8extended(entry_id, %(made)s # customer_id) >> 32) * points END)
       - sum(CASE WHEN points <= %(large)s AND points <> remaining
                  THEN (hashint8extended(id, %(used)s # customer_id) >> 32)
                       * (points - remaining) END) AS total,
       max(points) > %(large)s AS is_doubtful
FROM rewards_pointslot
{grouping}
