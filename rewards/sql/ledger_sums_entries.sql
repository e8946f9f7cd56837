-- What the entries put into the sum that must come to nothing; see rewards.domain.ledger. Each links the balance before
-- it to the balance after it, and says of how many points it made lots (all that it brought) and how many it took from
-- lots: what it took from the balance, less what became a debt, or what repaid one.
SELECT {part} AS part,
       sum(hashint8extended(balance_after, hashint8extended(seq, %(chain)s # customer_id)))
       - sum(hashint8extended(balance_after - points, hashint8extended(seq - 1, %(chain)s # customer_id)))
       + sum(CASE
           WHEN points > 0 AND balance_after BETWEEN points AND %(large)s
           THEN (hashint8extended(id, %(made)s # customer_id) >> 32) * points
           WHEN points <= 0 AND balance_after BETWEEN 0 AND %(large)s + points
           THEN (hashint8extended(id, %(taken)s # customer_id) >> 32) * -points
           WHEN points BETWEEN -%(large)s AND %(large)s AND balance_after BETWEEN -%(large)s AND %(large)s
           THEN (hashint8extended(id, %(made)s # customer_id) >> 32) * greatest(0, points)
                + (hashint8extended(id, %(taken)s # customer_id) >> 32)
                * (greatest(0, -points) + greatest(0, points - balance_after) - greatest(0, -balance_after))
       END) AS total,
       max(balance_after) > %(large)s OR min(balance_after) < -%(large)s AS is_doubtful
FROM rewards_pointsentry
{grouping}
