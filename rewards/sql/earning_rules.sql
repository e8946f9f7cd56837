-- Whether a time on a store's clock lies within the weekdays (ISO numbers, empty: all) and hours (both or none) of a
-- rule. Hours may pass midnight: the night belongs to the day on which it began.
CREATE OR REPLACE FUNCTION earning_window_covers(p_weekdays smallint[], p_from time, p_to time, p_local timestamp)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN p_from IS NULL THEN true
                WHEN p_from < p_to THEN p_local::time >= p_from AND p_local::time < p_to
                ELSE p_local::time >= p_from OR p_local::time < p_to END
       AND (p_weekdays = '{}' OR extract(
               isodow FROM p_local - CASE WHEN p_from > p_to AND p_local::time < p_to THEN interval '1 day'
                                          ELSE interval '0' END)::smallint = ANY (p_weekdays))
$$;

-- From when until when a cap counts together what was earned at p_at: a day, week (from Monday), month or year of the
-- programme's calendar.
CREATE OR REPLACE FUNCTION earning_period(
    p_at timestamptz, p_period text, p_timezone text, OUT since timestamptz, OUT until timestamptz
) LANGUAGE sql STABLE AS $$
    SELECT first AT TIME ZONE p_timezone, (first + ('1 ' || p_period)::interval) AT TIME ZONE p_timezone
    FROM date_trunc(p_period, p_at AT TIME ZONE p_timezone) AS first
$$;

-- The points that purchases of the customer, and of who was merged into them, earned from p_since until before p_until,
-- less what their returns took back, whenever that was.
CREATE OR REPLACE FUNCTION earning_net(p_customer bigint, p_since timestamptz, p_until timestamptz)
RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_points bigint;
BEGIN
    SELECT coalesce(sum(award.points - coalesce(back.points, 0)), 0) INTO v_points
    FROM rewards_pointsentry award
    LEFT JOIN (
        SELECT corrects_id, sum((breakdown ->> 'asked')::bigint) AS points
        FROM rewards_pointsentry
        WHERE customer_id IN (SELECT points_relatives(p_customer)) AND kind = 'CLAW_BACK' GROUP BY corrects_id
    ) back ON back.corrects_id = award.id
    WHERE award.customer_id IN (SELECT points_family(p_customer)) AND award.kind = 'AWARD'
      AND award.reference LIKE 'purchase:%' AND award.happened_at >= p_since AND award.happened_at < p_until;
    RETURN v_points;
END $$;

-- What counts against a cap: what was earned in the period around p_at. The caller holds the customer's account locked
-- where it matters.
CREATE OR REPLACE FUNCTION earning_before(p_customer bigint, p_period text, p_at timestamptz)
RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_period record;
BEGIN
    IF p_period = 'PURCHASE' THEN
        RETURN 0;
    END IF;
    SELECT since, until INTO v_period FROM earning_period(p_at, p_period, (points_terms()).timezone);
    RETURN earning_net(p_customer, v_period.since, v_period.until);
END $$;
