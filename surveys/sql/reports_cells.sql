-- How often each score was given to the main question, by period and by store. Counted once in small cells, which are
-- added up twice.
WITH told AS (SELECT {told}),
chosen (id, submitted_at, store_id) AS ({chosen}),
cells AS (
    SELECT date_trunc(told.step, chosen.submitted_at AT TIME ZONE told.zone)::date AS period, chosen.store_id,
           answer.number, count(*) AS given
    FROM told CROSS JOIN chosen
    JOIN surveys_answer answer ON answer.response_id = chosen.id AND answer.question_id = told.main
    WHERE answer.number IS NOT NULL
    GROUP BY 1, 2, 3
)
SELECT GROUPING(store_id) = 1, period, store_id, number, sum(given)::bigint
FROM cells
GROUP BY GROUPING SETS ((period, number), (store_id, number))
