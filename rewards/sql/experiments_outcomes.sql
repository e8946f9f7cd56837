-- By arm and window: whose window has passed, who of them came back, and the sums of visits and of spend with their
-- squares and cubes. Window 0 is the period before the assignment, as long as the plan's own window, for everybody.
-- Each customer's purchases are found by the index purchase_of_customer, once for all windows. A merged row is counted
-- as the customer it was merged into.
SELECT assignment.arm, span.days,
       count(*) AS customers,
       count(*) FILTER (WHERE span.is_over) AS complete,
       count(*) FILTER (WHERE span.is_over AND span.visits > 0) AS came,
       coalesce(sum(span.visits) FILTER (WHERE span.is_over), 0) AS visits,
       coalesce(sum(span.visits * span.visits) FILTER (WHERE span.is_over), 0) AS visits_squares,
       coalesce(sum(span.visits * span.visits * span.visits) FILTER (WHERE span.is_over), 0) AS visits_cubes,
       coalesce(sum(span.spent) FILTER (WHERE span.is_over), 0) AS spent,
       coalesce(sum(span.spent * span.spent) FILTER (WHERE span.is_over), 0) AS spent_squares,
       coalesce(sum(span.spent * span.spent * span.spent) FILTER (WHERE span.is_over), 0) AS spent_cubes
FROM rewards_assignment AS assignment
JOIN customers_customer AS customer ON customer.id = assignment.customer_id AND customer.merged_into_id IS NULL
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE purchased_at < assigned_at) AS visits_before,
           count(*) FILTER (WHERE purchased_at > assigned_at AND purchased_at <= after_7) AS visits_7,
           count(*) FILTER (WHERE purchased_at > assigned_at AND purchased_at <= after_30) AS visits_30,
           count(*) FILTER (WHERE purchased_at > assigned_at) AS visits_90,
           sum(paid_minor) FILTER (WHERE purchased_at < assigned_at AND is_ours) AS spent_before,
           sum(paid_minor) FILTER (WHERE purchased_at > assigned_at AND purchased_at <= after_7 AND is_ours) AS spent_7,
           sum(paid_minor) FILTER (WHERE purchased_at > assigned_at AND purchased_at <= after_30 AND is_ours) AS spent_30,
           sum(paid_minor) FILTER (WHERE purchased_at > assigned_at AND is_ours) AS spent_90
    FROM customers_purchase AS purchase
    CROSS JOIN LATERAL (
        SELECT purchase.currency = %(currency)s AS is_ours,
               assignment.assigned_at + 7 * interval '24 hours' AS after_7,
               assignment.assigned_at + 30 * interval '24 hours' AS after_30
    ) AS terms
    WHERE purchase.customer_id = assignment.customer_id
      AND purchase.purchased_at >= assignment.assigned_at - %(before)s * interval '24 hours'
      AND purchase.purchased_at <= assignment.assigned_at + 90 * interval '24 hours'
) AS bought
CROSS JOIN LATERAL (
    SELECT days, visits, coalesce(spent, 0)::numeric AS spent,
           assignment.assigned_at + days * interval '24 hours' <= %(at)s AS is_over
    FROM (VALUES (0, visits_before, spent_before), (7, visits_7, spent_7),
                 (30, visits_30, spent_30), (90, visits_90, spent_90)) AS sums (days, visits, spent)
) AS span
WHERE assignment.experiment_id = %(experiment)s
GROUP BY assignment.arm, span.days
