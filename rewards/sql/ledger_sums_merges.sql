-- Who has merges that do not come to nothing, or was merged and still has something.
SELECT {part} AS part, 0 AS total, count(*) > 0 AS is_doubtful
FROM (
    SELECT customer_id FROM points_merge_faults()
    UNION ALL
    SELECT account.customer_id
    FROM customers_customer customer JOIN rewards_pointsaccount account ON account.customer_id = customer.id
    WHERE customer.merged_into_id IS NOT NULL AND account.balance <> 0
) off
{grouping}
