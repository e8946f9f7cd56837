-- What the accounts put into the sum that must come to nothing; see rewards.domain.ledger. A chain of balances begins
-- before the first entry and ends with the balance; the lots hold balance and debt.
SELECT {part} AS part,
       sum(hashint8extended(0, hashint8extended(0, %(chain)s # customer_id)))
       - sum(hashint8extended(balance, hashint8extended(last_seq, %(chain)s # customer_id)))
       - sum(CASE WHEN balance BETWEEN -%(large)s AND %(large)s
                  THEN (hashint8extended(customer_id, %(held)s) >> 32) * (balance + debt) END) AS total,
       max(abs(balance)) > %(large)s AS is_doubtful
FROM rewards_pointsaccount
{grouping}
