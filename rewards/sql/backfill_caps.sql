-- Cuts what the caps cut, one event after another in the order of their time: what a customer may still earn in a
-- period depends on what was earned in it before, less what was taken back. The accounts are locked.
DO $$
DECLARE
    v_event record;
    v_cap record;
    v_points bigint;
    v_room bigint;
    v_before bigint;
    v_back bigint;
    v_cuts jsonb;
    v_timezone text := (points_terms()).timezone;
    v_customer bigint;
    v_has_books boolean;  -- most imported customers have none yet: nothing to ask the ledger for
BEGIN
    -- what this import has left standing of each award so far: its own awards, less returns, less those of older ones
    CREATE TEMPORARY TABLE backfill_counted (customer_id bigint, purchase_id bigint, earned_at timestamptz, points bigint);
    CREATE INDEX ON backfill_counted (customer_id, earned_at);
    CREATE TEMPORARY TABLE backfill_rooms (purchase_id bigint PRIMARY KEY, room bigint);
    CREATE INDEX ON backfill_claims (return_id);
    CREATE INDEX ON backfill_awards (purchase_id);
    FOR v_event IN
        SELECT customer_id, purchased_at AS at, false AS is_return, purchase_id, 0 AS return_id, points,
               purchased_at AS earned_at, 0 AS before, 0 AS after
        FROM backfill_awards
        UNION ALL
        SELECT claim.customer_id, returned_at, true, purchase_id, return_id, claim.points, bought.purchased_at, before,
               after
        FROM backfill_claims claim JOIN customers_purchase bought ON bought.id = claim.purchase_id
        ORDER BY customer_id, at, is_return, purchase_id, return_id
    LOOP
        IF v_event.customer_id IS DISTINCT FROM v_customer THEN
            v_customer := v_event.customer_id;
            v_has_books := EXISTS (
                SELECT FROM rewards_pointsentry
                WHERE customer_id IN (SELECT points_family(v_customer)) AND kind = 'AWARD');
        END IF;
        IF v_event.is_return THEN
            SELECT room INTO v_room FROM backfill_rooms WHERE purchase_id = v_event.purchase_id;
            v_back := least(v_event.before, v_room) - least(v_event.after, v_room);
            UPDATE backfill_claims SET points = v_back WHERE return_id = v_event.return_id AND points <> v_back;
            INSERT INTO backfill_counted
            VALUES (v_event.customer_id, v_event.purchase_id, v_event.earned_at, -v_back);
            CONTINUE;
        END IF;
        v_points := v_event.points;
        v_cuts := '[]';
        FOR v_cap IN
            SELECT * FROM rewards_earningrule
            WHERE kind = 'CAP' AND valid_from <= v_event.at AND (valid_to IS NULL OR valid_to > v_event.at)
            ORDER BY code COLLATE "C"
        LOOP
            v_before := 0;
            IF v_cap.cap_period <> 'PURCHASE' THEN
                SELECT coalesce(sum(counted.points), 0) INTO v_before
                FROM earning_period(v_event.at, v_cap.cap_period, v_timezone) period
                LEFT JOIN backfill_counted counted ON counted.customer_id = v_event.customer_id
                    AND counted.earned_at >= period.since AND counted.earned_at < period.until;
                IF v_has_books THEN
                    v_before := v_before + earning_before(v_event.customer_id, v_cap.cap_period, v_event.at);
                END IF;
            END IF;
            v_room := greatest(0, v_cap.points - v_before);
            IF v_points > v_room THEN
                v_cuts := v_cuts || jsonb_build_object(
                    'code', v_cap.code, 'version', v_cap.version, 'name', v_cap.name, 'limit', v_cap.points,
                    'period', v_cap.cap_period, 'before', v_before, 'cut', v_points - v_room);
                v_points := v_room;
            END IF;
        END LOOP;
        INSERT INTO backfill_counted
        VALUES (v_event.customer_id, v_event.purchase_id, v_event.earned_at, v_points);
        IF v_points < v_event.points THEN
            INSERT INTO backfill_rooms VALUES (v_event.purchase_id, v_points);
            UPDATE backfill_awards SET points = v_points, breakdown = breakdown || jsonb_build_object('caps', v_cuts)
            WHERE purchase_id = v_event.purchase_id;
        END IF;
    END LOOP;
    DELETE FROM backfill_awards WHERE points = 0;
    DELETE FROM backfill_claims WHERE points = 0;
    DROP TABLE backfill_counted, backfill_rooms;
END $$
