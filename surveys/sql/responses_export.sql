-- One row a response, with what it answered by question.
WITH chosen (id, submitted_at, store_id, customer_id, language, campaign_id, open_link_id) AS ({chosen})
SELECT chosen.id, chosen.submitted_at, campaign.name, store.code, customer.number, chosen.language, open_link.source,
       (SELECT jsonb_object_agg(answer.question_id, coalesce(
                   to_jsonb(answer.number::text), to_jsonb(nullif(answer.text, '')),
                   (SELECT jsonb_agg(part.choice_id) FROM surveys_answerchoice part
                    WHERE part.answer_id = answer.id)))
        FROM surveys_answer answer WHERE answer.response_id = chosen.id)
FROM chosen
LEFT JOIN surveys_openlink open_link ON open_link.id = chosen.open_link_id
LEFT JOIN surveys_campaign campaign ON campaign.id = chosen.campaign_id
LEFT JOIN customers_store store ON store.id = chosen.store_id
LEFT JOIN customers_customer customer ON customer.id = chosen.customer_id
ORDER BY chosen.id
