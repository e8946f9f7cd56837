-- What became of everybody in the audience, each counted once with all their mails of one campaign.
WITH told AS (SELECT {told}),
mails (id, campaign_id, customer_id, state, reason, opened_at, settled_at, answered_on) AS ({chosen}),
hits AS (
    SELECT delivery_id,
           bool_or(is_head OR is_trap OR score IS NOT NULL AND third - at <= program_seconds * interval '1 second') AS is_program
    FROM (
        SELECT intent.*, told.program_seconds,
               lead(at, (told.program_scores - 1)::int) OVER (PARTITION BY delivery_id, is_head, score IS NULL ORDER BY at) AS third
        FROM surveys_intent intent CROSS JOIN told
        WHERE intent.delivery_id IN (SELECT id FROM mails)
    ) hit
    GROUP BY delivery_id
),
people AS (
    SELECT bool_or(response.id IS NOT NULL OR mail.answered_on IS NOT NULL) AS has_answered,
           bool_or(2 * kept.answers >= asked.questions) AS is_partial,
           bool_or(kept.answers IS NOT NULL) AS has_begun,
           bool_or(hits.delivery_id IS NOT NULL) AS was_hit,
           coalesce(bool_or(hits.is_program), false) AS is_program,
           bool_or(mail.opened_at IS NOT NULL) AS has_opened,
           bool_or(mail.state = 'COMPLAINED' OR consent.id IS NOT NULL) AS has_refused,
           bool_or(mail.state = 'ACCEPTED') AS is_delivered,
           bool_or(mail.state = 'UNCERTAIN') AS is_uncertain,
           bool_or(mail.state = 'BOUNCED') AS has_bounced,
           bool_or(mail.state = 'REJECTED') AS is_rejected,
           bool_and(mail.state = 'SUPPRESSED') AS is_suppressed,
           max(mail.reason) AS reason
    FROM told CROSS JOIN mails mail
    CROSS JOIN (SELECT count(*) AS questions FROM surveys_question, told WHERE survey_id = told.survey) asked
    LEFT JOIN surveys_surveyresponse response ON response.delivery_id = mail.id
    LEFT JOIN LATERAL (SELECT count(*) AS answers FROM surveys_partialresponse partial, jsonb_object_keys(partial.answers)
                       WHERE partial.delivery_id = mail.id HAVING count(*) > 0) kept ON true
    LEFT JOIN hits ON hits.delivery_id = mail.id
    LEFT JOIN customers_consent consent
           ON consent.customer_id = mail.customer_id AND consent.purpose = told.purpose
          AND mail.state NOT IN ('SUPPRESSED', 'PENDING')
          AND consent.withdrawn_at >= mail.settled_at AND consent.withdrawn_at < mail.settled_at + told.refused_days * interval '1 day'
    GROUP BY mail.campaign_id, mail.customer_id
)
SELECT CASE WHEN has_answered THEN 'complete'
            WHEN is_suppressed THEN 'suppressed'
            WHEN is_partial THEN 'partial'
            WHEN has_refused THEN 'refused'
            WHEN has_begun THEN 'broken_off'
            WHEN is_delivered THEN 'silent'
            WHEN is_uncertain THEN 'uncertain'
            WHEN has_bounced THEN 'bounced'
            WHEN is_rejected THEN 'rejected'
            ELSE 'waiting' END AS outcome,
       CASE WHEN is_suppressed THEN reason ELSE '' END AS reason, has_opened, was_hit, is_program, count(*)
FROM people
GROUP BY 1, 2, 3, 4, 5
