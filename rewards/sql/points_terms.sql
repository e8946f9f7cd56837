-- The programme's terms for points, always one row: the model's defaults until somebody sets the programme up.
CREATE OR REPLACE FUNCTION points_terms(
    OUT timezone text, OUT pending_days integer, OUT expiry_policy text, OUT expiry_months integer,
    OUT expiry_period_end text, OUT expiry_days text, OUT shortfall_policy text
) LANGUAGE sql STABLE AS $$
    SELECT coalesce(p.timezone, 'UTC'), coalesce(p.pending_days::integer, 0), coalesce(p.expiry_policy, 'ROLLING'),
           coalesce(p.expiry_months::integer, 12), coalesce(p.expiry_period_end, 'MONTH'),
           coalesce(p.expiry_days, '12-31'), coalesce(p.shortfall_policy, 'DEBT')
    FROM (SELECT) AS always LEFT JOIN rewards_program p ON true
$$;

-- When points earned at p_earned_at can be spent: the same time of day in the programme's zone, p_days later.
-- Without a wait the instant itself: the way over local time would move it in the hour that a zone has twice.
CREATE OR REPLACE FUNCTION points_available_at(p_earned_at timestamptz, p_days integer, p_timezone text)
RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN p_days = 0 THEN p_earned_at
                ELSE ((p_earned_at AT TIME ZONE p_timezone) + make_interval(days => p_days)) AT TIME ZONE p_timezone END
$$;

-- The first of the days of the year (MM-DD, commas between; 02-29 is the last day of February) that is not before p_date.
CREATE OR REPLACE FUNCTION points_next_day(p_date date, p_days text) RETURNS date LANGUAGE sql IMMUTABLE AS $$
    SELECT min(day)
    FROM generate_series(0, 1) AS years, regexp_split_to_table(p_days, ', ?') AS told,
         make_date(extract(year FROM p_date)::integer + years, left(told, 2)::integer, 1) AS first,
         least(first + right(told, 2)::integer - 1, (first + interval '1 month')::date - 1) AS day
    WHERE day >= p_date
$$;

-- When points that can be spent from p_since (or whose customer was active then: INACTIVITY) lapse: p_months later
-- (31 January + 1 month is 28 or 29 February), at the midnight that ends the month, quarter or year, or the first of the
-- fixed days, in the programme's zone; NULL: never. Where a clock change skips that midnight it is the instant of the
-- change; where midnight comes twice, the second one.
CREATE OR REPLACE FUNCTION points_lapse_at(
    p_since timestamptz, p_policy text, p_months integer, p_period_end text, p_days text, p_timezone text
) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN p_policy IN ('ROLLING', 'INACTIVITY') THEN
            (date_trunc(lower(p_period_end), (p_since AT TIME ZONE p_timezone) + make_interval(months => p_months))
             + CASE p_period_end WHEN 'MONTH' THEN interval '1 month' WHEN 'QUARTER' THEN interval '3 months'
                                 ELSE interval '1 year' END) AT TIME ZONE p_timezone
        WHEN p_policy = 'FIXED' THEN
            (points_next_day(((p_since AT TIME ZONE p_timezone) + make_interval(months => p_months))::date, p_days)
             + interval '1 day') AT TIME ZONE p_timezone
    END
$$;
