-- How often somebody was asked, or was not, by bits: 1 answered, 2 began, 4 began and answered half or more, 8 refused,
-- 16 opened, 32 a program opened, and by the state of a mail 64 accepted, 128 uncertain, 256 came back, 512 rejected,
-- 1024 any other but suppressed. A mail and its reminders are one, with the bits of all; most have none and are counted
-- without a group of their own. OFFSET 0 keeps PostgreSQL from working the bits out anew for each use of them.
WITH told AS (SELECT {told}),
mails (id, reminds_id, customer_id, state, reason, opened_at, settled_at, answered_on, opened_by_program) AS ({chosen}),
withdrawn AS (
    SELECT customer_id, array_agg(withdrawn_at) AS moments FROM customers_consent
    WHERE purpose = (SELECT purpose FROM told) AND withdrawn_at IS NOT NULL
    GROUP BY 1
),
reminded AS (
    SELECT DISTINCT reminds_id AS id FROM surveys_delivery
    WHERE reminds_id IS NOT NULL
      AND campaign_id IN (SELECT id FROM surveys_campaign WHERE survey_id = (SELECT survey FROM told))
),
became AS (
    SELECT coalesce(mail.reminds_id, mail.id) AS ask_id,
           CASE WHEN response.id IS NOT NULL OR mail.answered_on IS NOT NULL THEN 1 ELSE 0 END
           | CASE WHEN partial.id IS NULL THEN 0
                  WHEN 2 * (SELECT count(*) FROM jsonb_object_keys(partial.answers))
                       >= (SELECT count(*) FROM surveys_question, told WHERE survey_id = told.survey) THEN 6
                  ELSE 2 END
           | CASE WHEN mail.state = 'COMPLAINED' THEN 8
                  WHEN withdrawn.customer_id IS NULL THEN 0
                  WHEN EXISTS (
                      SELECT FROM unnest(withdrawn.moments) AS moment
                      WHERE moment >= mail.settled_at
                        AND moment < mail.settled_at + (SELECT refused_days FROM told) * interval '1 day'
                  ) THEN 8
                  ELSE 0 END
           | CASE WHEN mail.opened_at IS NOT NULL THEN 16 ELSE 0 END
           | CASE WHEN mail.opened_by_program THEN 32 ELSE 0 END
           | CASE mail.state WHEN 'ACCEPTED' THEN 64 WHEN 'UNCERTAIN' THEN 128 WHEN 'BOUNCED' THEN 256
                             WHEN 'REJECTED' THEN 512 WHEN 'SUPPRESSED' THEN 0 ELSE 1024 END AS bits,
           CASE WHEN mail.state = 'SUPPRESSED' THEN mail.reason END AS reason
    FROM mails mail
    LEFT JOIN surveys_surveyresponse response ON response.delivery_id = mail.id
    LEFT JOIN surveys_partialresponse partial ON partial.delivery_id = mail.id
    LEFT JOIN withdrawn
           ON withdrawn.customer_id = mail.customer_id AND mail.state NOT IN ('SUPPRESSED', 'PENDING')
    OFFSET 0
),
asks AS (
    SELECT bit_or(became.bits) AS bits, max(became.reason) AS reason,
           CASE WHEN reminded.id IS NULL THEN count(*) ELSE 1 END AS number
    FROM became LEFT JOIN reminded ON reminded.id = became.ask_id
    GROUP BY reminded.id, CASE WHEN reminded.id IS NULL THEN became.bits END,
             CASE WHEN reminded.id IS NULL THEN became.reason END
)
SELECT bits, reason, sum(number)::bigint FROM asks GROUP BY bits, reason
