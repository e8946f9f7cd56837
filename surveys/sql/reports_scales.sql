-- How often each score was given: by question; of the main question by period, and by store. Counted once in small
-- cells, which are added up three times.
WITH told AS (SELECT {told}),
chosen (id, submitted_at, store_id, customer_id) AS ({chosen}),
dated AS (
    SELECT chosen.id, chosen.store_id,
           date_trunc(told.step, chosen.submitted_at AT TIME ZONE told.zone)::date AS period
    FROM told CROSS JOIN chosen
),
cells AS (
    SELECT answer.question_id, answer.number, dated.period, dated.store_id, count(*) AS given
    FROM dated JOIN surveys_answer answer ON answer.response_id = dated.id
    WHERE answer.question_id = ANY ((SELECT questions FROM told)::bigint[]) AND answer.number IS NOT NULL
    GROUP BY 1, 2, 3, 4
)
SELECT CASE WHEN GROUPING(period) = 0 THEN 'period' WHEN GROUPING(store_id) = 0 THEN 'store' ELSE 'all' END AS part,
       question_id, period, store_id, number, sum(given)::bigint
FROM cells
GROUP BY GROUPING SETS ((question_id, number), (question_id, period, number), (question_id, store_id, number))
HAVING GROUPING(period) = 1 AND GROUPING(store_id) = 1 OR question_id = (SELECT main FROM told)
