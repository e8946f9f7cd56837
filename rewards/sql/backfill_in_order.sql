-- The customers of backfill_in_turn, one event after another, as if each were booked when it happened. What had lapsed before
-- the file was told is booked as lapsed by then.
DO $$
DECLARE
    v_event record;
BEGIN
    FOR v_event IN
        SELECT customer_id, purchased_at AS at, false AS is_return, purchase_id, 0 AS return_id, points, breakdown, actor
        FROM backfill_awards JOIN backfill_in_turn USING (customer_id)
        UNION ALL
        SELECT customer_id, returned_at, true, purchase_id, return_id, points, NULL, actor
        FROM backfill_claims JOIN backfill_in_turn USING (customer_id)
        ORDER BY customer_id, at, is_return, purchase_id, return_id
    LOOP
        IF v_event.is_return THEN
            PERFORM points_claw_back(
                entry.customer_id, entry.id, v_event.points, 'return:' || v_event.return_id, v_event.at, v_event.actor, '')
            FROM rewards_pointsentry entry
            WHERE entry.customer_id IN (SELECT points_relatives(v_event.customer_id)) AND entry.kind = 'AWARD'
              AND entry.reference = 'purchase:' || v_event.purchase_id;
        ELSE
            PERFORM points_award(
                v_event.customer_id, 'AWARD', v_event.points, 'purchase:' || v_event.purchase_id, v_event.at,
                v_event.actor, '', v_event.breakdown, v_event.at);
        END IF;
    END LOOP;
END $$
