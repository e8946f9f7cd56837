-- How often each score was given: by question; of the main question by period, and by store.
WITH told AS (SELECT {told}),
chosen (id, submitted_at, store_id, customer_id) AS MATERIALIZED ({chosen}),
given AS (
    SELECT answer.question_id, answer.number, answer.question_id = told.main AS is_main, chosen.store_id,
           date_trunc(told.step, chosen.submitted_at AT TIME ZONE told.zone)::date AS period
    FROM told CROSS JOIN chosen JOIN surveys_answer answer ON answer.response_id = chosen.id
    WHERE answer.question_id = ANY (told.questions) AND answer.number IS NOT NULL
)
SELECT CASE WHEN GROUPING(period) = 0 THEN 'period' WHEN GROUPING(store_id) = 0 THEN 'store' ELSE 'all' END AS part,
       question_id, period, store_id, number, count(*)
FROM given
GROUP BY GROUPING SETS ((question_id, number), (is_main, question_id, period, number),
                        (is_main, question_id, store_id, number))
HAVING GROUPING(is_main) = 1 OR is_main
