-- How often somebody was asked, or was not, by bits: 1 answered, 2 began, 4 began and answered half or more, 8 refused,
-- 16 opened, 32 a program opened, and by the state of a mail 64 accepted, 128 uncertain, 256 came back, 512 rejected,
-- 1024 any other but suppressed. A mail and its reminders are one, with the bits of all.
WITH told AS (SELECT {told}),
mails (id, reminds_id, customer_id, state, reason, opened_at, settled_at, answered_on, opened_by_program) AS ({chosen}),
withdrawn AS (
    SELECT customer_id, withdrawn_at FROM customers_consent
    WHERE purpose = (SELECT purpose FROM told) AND withdrawn_at IS NOT NULL
),
asks AS (
    SELECT bit_or(
               CASE WHEN response.id IS NOT NULL OR mail.answered_on IS NOT NULL THEN 1 ELSE 0 END
               | CASE WHEN partial.id IS NULL THEN 0
                      WHEN 2 * (SELECT count(*) FROM jsonb_object_keys(partial.answers))
                           >= (SELECT count(*) FROM surveys_question, told WHERE survey_id = told.survey) THEN 6
                      ELSE 2 END
               | CASE WHEN mail.state = 'COMPLAINED' OR withdrawn.customer_id IS NOT NULL THEN 8 ELSE 0 END
               | CASE WHEN mail.opened_at IS NOT NULL THEN 16 ELSE 0 END
               | CASE WHEN mail.opened_by_program THEN 32 ELSE 0 END
               | CASE mail.state WHEN 'ACCEPTED' THEN 64 WHEN 'UNCERTAIN' THEN 128 WHEN 'BOUNCED' THEN 256
                                 WHEN 'REJECTED' THEN 512 WHEN 'SUPPRESSED' THEN 0 ELSE 1024 END) AS bits,
           max(mail.reason) FILTER (WHERE mail.state = 'SUPPRESSED') AS reason
    FROM mails mail
    LEFT JOIN surveys_surveyresponse response ON response.delivery_id = mail.id
    LEFT JOIN surveys_partialresponse partial ON partial.delivery_id = mail.id
    LEFT JOIN withdrawn
           ON withdrawn.customer_id = mail.customer_id AND mail.state NOT IN ('SUPPRESSED', 'PENDING')
          AND withdrawn.withdrawn_at >= mail.settled_at
          AND withdrawn.withdrawn_at < mail.settled_at + (SELECT refused_days FROM told) * interval '1 day'
    GROUP BY coalesce(mail.reminds_id, mail.id)
)
SELECT bits, reason, count(*) FROM asks GROUP BY bits, reason
