-- How often each score was given, by question.
WITH told AS (SELECT {told}),
chosen (id, submitted_at, store_id, customer_id) AS ({chosen})
SELECT answer.question_id, answer.number, count(*)
FROM told CROSS JOIN chosen JOIN surveys_answer answer ON answer.response_id = chosen.id
WHERE answer.question_id = ANY (told.questions) AND answer.number IS NOT NULL
GROUP BY answer.question_id, answer.number
