-- How often each score was given to the main question, by segment; who is in several counts in each.
WITH told AS (SELECT {told}),
chosen (id, customer_id) AS ({chosen})
SELECT member.segment_id, answer.number, count(*)
FROM told CROSS JOIN chosen
JOIN surveys_answer answer ON answer.response_id = chosen.id AND answer.question_id = told.main
JOIN customers_segmentmember member ON member.customer_id = chosen.customer_id
WHERE answer.number IS NOT NULL
GROUP BY member.segment_id, answer.number
