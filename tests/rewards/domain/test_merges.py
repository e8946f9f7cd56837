"""Points, coupons and rewards of two who are one person; the customers' part: tests/customers/domain/test_merges.py."""

from datetime import timedelta

import pytest
from django.db import transaction

from customers.domain import customers
from customers.models import CustomerMerge
from loyalty_site.lib import actors
from rewards.domain import adjustments, explanations, import_lock, ledger, merges, points, redemptions, tiers
from rewards.models import (
    Arm,
    Coupon,
    EntryKind,
    ExpiryPolicy,
    HoldState,
    PointsEntry,
    PointsLot,
    ShortfallPolicy,
    Surprise,
    TierMembership,
)
from tests.factories.customers import CustomerFactory
from tests.factories.rewards import CouponFactory, ProgramFactory, RewardFactory, SurpriseRuleFactory, TierFactory
from tests.rewards.domain.steps import (
    account,
    adjust,
    allocations,
    award,
    cancel,
    claw_back,
    redeem,
    reimburse,
    request,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]
DAY = timedelta(days=1)
STAFF = actors.user(7)


@pytest.fixture
def old():
    return CustomerFactory(number="C7K294QX")


@pytest.fixture
def kept():
    return CustomerFactory(number="HTG2MWWK")


def merge(source, target, at):
    return merges.merge(source=source, target=target, reason="lost card", by=STAFF, at=at)


def undo(record, at):
    merges.undo(merge=record, by=STAFF, at=at)


def lots(customer):
    """(points, remaining, available_at, expires_at) of what holds any, in spending order."""
    rows = PointsLot.objects.filter(customer=customer.pk, remaining__gt=0).order_by("expires_at", "pk")
    return list(rows.values_list("points", "remaining", "available_at", "expires_at"))


def told(customer):
    return [
        entry.explanation
        for entry in explanations.explained(PointsEntry.objects.filter(customer=customer.pk).order_by("seq"))
    ]


def owing(customer, debt, at):
    """Makes the customer owe that many points."""
    earned = award(customer, debt, at, "owing")
    redeem(customer, debt, at, "owing")
    claw_back(earned, debt, at, f"owing:{customer.pk}")
    assert account(customer)[:2] == (-debt, debt)


def test_lots_go_over_with_their_dates(old, kept, now):
    ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1, pending_days=3)
    award(old, 100, now - 40 * DAY)
    award(old, 50, now)
    redeem(old, 30, now)
    award(kept, 7, now)
    before = lots(old)
    merge(old, kept, now)
    carried = PointsLot.objects.filter(customer=kept.pk, origin__customer=old.pk).order_by("pk")
    assert [(lot.remaining, lot.available_at, lot.expires_at) for lot in carried] == [row[1:] for row in before]
    assert lots(old) == []
    assert (account(old)[0], account(kept)[0]) == (0, 127)


def test_both_read_what_happened(old, kept, now):
    award(old, 100, now)
    record = merge(old, kept, now)
    undo(record, now + DAY)
    assert told(old)[1:] == ["100 points went over to card HTG2-MWWK.", "100 points came over from card HTG2-MWWK."]
    assert told(kept) == ["100 points came over from card C7K2-94QX.", "100 points went over to card C7K2-94QX."]


def test_both_read_of_a_debt(old, kept, now):
    owing(old, 100, now)
    undo(merge(old, kept, now), now + DAY)
    assert told(old)[3:] == [
        "100 points that were owed here are owed on card HTG2-MWWK now.",
        "100 points that were owed on card HTG2-MWWK are owed here now.",
    ]
    assert told(kept) == [
        "100 points that were owed on card C7K2-94QX are owed here now.",
        "100 points that were owed here are owed on card C7K2-94QX now.",
    ]


def test_nothing_is_booked_for_who_has_nothing(old, kept, now):
    undo(merge(old, kept, now), now)
    assert (account(old), account(kept)) == ((0, 0, 0), (0, 0, 0))


def test_what_lapsed_by_then_lapses_where_it_was(old, kept, now):
    ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1)
    award(old, 100, now - 90 * DAY)
    merge(old, kept, now)
    assert list(PointsEntry.objects.values_list("customer", "kind", "points")) == [
        (old.pk, EntryKind.AWARD, 100),
        (old.pk, EntryKind.EXPIRE, -100),
    ]


@pytest.mark.parametrize(
    ("has", "owes", "left"), [(100, 30, (70, 0)), (30, 100, (-70, 70)), (50, 50, (0, 0)), (0, 40, (-40, 40))]
)
def test_a_debt_of_the_source_is_paid_by_the_target(old, kept, now, has, owes, left):
    owing(old, owes, now)
    if has:
        award(kept, has, now, "kept")
    before = account(kept)[:2] if has else (0, 0)
    record = merge(old, kept, now)
    assert (account(old)[:2], account(kept)[:2]) == ((0, 0), left)
    undo(record, now)
    assert (account(old)[:2], account(kept)[:2]) == ((-owes, owes), before)


@pytest.mark.parametrize(("brings", "owes", "left"), [(100, 30, (70, 0)), (30, 100, (-70, 70)), (50, 50, (0, 0))])
def test_a_debt_of_the_target_is_repaid_by_what_comes_over(old, kept, now, brings, owes, left):
    owing(kept, owes, now)
    award(old, brings, now, "old")
    record = merge(old, kept, now)
    assert (account(old)[:2], account(kept)[:2]) == ((0, 0), left)
    undo(record, now)
    assert (account(old)[:2], account(kept)[:2]) == ((brings, 0), (-owes, owes))


def test_two_debts_are_one(old, kept, now):
    owing(old, 10, now)
    owing(kept, 20, now)
    record = merge(old, kept, now)
    assert account(kept)[:2] == (-30, 30)
    undo(record, now)
    assert (account(old)[:2], account(kept)[:2]) == ((-10, 10), (-20, 20))


def test_a_debt_that_later_awards_repaid_is_given_back_when_undone(old, kept, now):
    owing(old, 50, now)
    record = merge(old, kept, now)
    award(kept, 80, now, "later")
    assert account(kept)[:2] == (30, 0)
    undo(record, now)
    assert (account(old)[:2], account(kept)[:2]) == ((-50, 50), (80, 0))


def test_what_soonest_lapses_repays_the_debt_first(old, kept, now):
    ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1)
    owing(kept, 60, now)
    later, sooner = award(old, 100, now, "later"), award(old, 50, now - 20 * DAY, "sooner")
    record = merge(old, kept, now)
    came = PointsEntry.objects.get(customer=kept.pk, kind=EntryKind.MERGE)
    assert [(lot.origin.entry, lot.remaining) for lot in came.lots.order_by("expires_at")] == [(sooner, 0), (later, 90)]
    assert sum(taken for _, taken in allocations(came)) == 60
    undo(record, now)
    assert [row[1] for row in lots(old)] == [50, 90, 10]


def test_open_holds_of_the_source_are_released(old, kept, now):
    award(old, 100, now)
    award(kept, 50, now)
    mine, theirs = (
        points.hold(customer=customer, points=40, ttl=DAY, reference="hold", by=STAFF, at=now)
        for customer in (old, kept)
    )
    merge(old, kept, now)
    mine.refresh_from_db()
    theirs.refresh_from_db()
    assert (mine.state, theirs.state) == (HoldState.RELEASED, HoldState.OPEN)
    assert points.summary(customer=kept, at=now).available == 110
    with pytest.raises(points.HoldReleased):
        points.capture(hold=mine, by=STAFF, at=now)


def test_a_hold_captured_before_is_captured_still(old, kept, now):
    award(old, 100, now)
    mine = points.hold(customer=old, points=40, ttl=DAY, reference="hold", by=STAFF, at=now)
    taken = points.capture(hold=mine, by=STAFF, at=now)
    merge(old, kept, now)
    assert points.capture(hold=mine, by=STAFF, at=now) == taken
    assert account(kept)[0] == 60


def test_a_debt_that_comes_over_is_paid_although_points_are_held(old, kept, now):
    owing(old, 80, now)
    award(kept, 100, now)
    held = points.hold(customer=kept, points=40, ttl=DAY, reference="hold", by=STAFF, at=now)
    merge(old, kept, now)
    held.refresh_from_db()
    assert (held.state, account(kept)[:2]) == (HoldState.RELEASED, (20, 0))


@pytest.mark.parametrize("verb", [award, redeem, adjust])
def test_nobody_books_for_the_source_any_more(old, kept, now, verb):
    award(old, 100, now)
    merge(old, kept, now)
    with pytest.raises(customers.CustomerMerged), transaction.atomic():
        verb(old, 10, now, "late")
    with pytest.raises(customers.CustomerMerged), transaction.atomic():
        points.hold(customer=old, points=10, ttl=DAY, reference="late", by=STAFF, at=now)
    assert account(kept)[0] == 100


def test_a_return_takes_back_from_what_came_of_the_awards_own_lot(old, kept, now):
    ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1)
    earned = award(old, 100, now)
    award(kept, 30, now - 20 * DAY)
    merge(old, kept, now)
    taken = claw_back(earned, 60, now)
    assert (taken.customer_id, taken.points, taken.breakdown) == (
        kept.pk,
        -60,
        {"asked": 60, "lapsed": 0, "forgiven": 0},
    )
    assert [row[:2] for row in lots(kept)] == [(30, 30), (100, 40)]
    assert claw_back(earned, 60, now) == taken
    assert claw_back(earned, 40, now, "return:2").points == -40
    assert account(kept)[:2] == (30, 0)


def test_a_return_told_before_the_merge_is_not_booked_again(old, kept, now):
    earned = award(old, 100, now)
    first = claw_back(earned, 60, now)
    record = merge(old, kept, now)
    assert claw_back(earned, 60, now) == first
    undo(record, now)
    assert claw_back(earned, 60, now) == first
    assert claw_back(earned, 40, now, "return:2").customer_id == old.pk


def test_what_lapsed_after_the_merge_counts_for_a_return(old, kept, now):
    ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1)
    earned = award(old, 100, now)
    award(kept, 500, now + 60 * DAY)
    merge(old, kept, now)
    taken = claw_back(earned, 100, now + 70 * DAY)
    assert (taken.points, taken.breakdown["lapsed"]) == (0, 100)


def test_a_chain_of_merges_answers_for_the_first(old, kept, now):
    last = CustomerFactory()
    earned = award(old, 100, now)
    spent = redeem(old, 30, now)
    first = merge(old, kept, now)
    second = merge(kept, last, now)
    assert claw_back(earned, 20, now).customer_id == last.pk
    assert reimburse(spent, now).customer_id == last.pk
    assert account(last)[:2] == (80, 0)
    undo(second, now)
    assert (account(last)[:2], account(kept)[:2]) == ((0, 0), (80, 0))
    undo(first, now)
    assert (account(kept)[:2], account(old)[:2]) == ((0, 0), (80, 0))


def test_what_the_source_spent_comes_back_to_the_target_with_its_dates(old, kept, now):
    ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1)
    award(old, 100, now)
    spent = redeem(old, 70, now)
    merge(old, kept, now)
    given = points.reimburse(entry=spent, points=50, reference="part", by=STAFF, at=now)
    fresh, original = given.lots.get(), spent.allocations.get().lot
    assert (given.customer_id, given.points) == (kept.pk, 50)
    assert (fresh.remaining, fresh.origin, fresh.expires_at) == (50, original, original.expires_at)
    assert reimburse(spent, now).points == 20
    assert account(kept)[:2] == (100, 0)


def test_what_comes_back_after_its_lapse_is_good_for_a_while(old, kept, now):
    ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1)
    award(old, 100, now)
    spent = redeem(old, 70, now)
    merge(old, kept, now)
    given = reimburse(spent, now + 60 * DAY)
    assert (given.customer_id, given.points, given.lots.get().origin) == (kept.pk, 70, None)
    assert points.summary(customer=kept, at=now + 60 * DAY).available == 70


def test_what_was_forgiven_after_the_merge_is_made_good_first(old, kept, now):
    ProgramFactory(shortfall_policy=ShortfallPolicy.WITHIN_BALANCE)
    earned = award(old, 100, now)
    spent = redeem(old, 100, now)
    merge(old, kept, now)
    assert claw_back(earned, 100, now).breakdown["forgiven"] == 100
    given = reimburse(spent, now)
    assert (given.points, account(kept)[:2]) == (0, (0, 0))


def test_what_came_over_and_was_spent_by_the_target_is_made_good_first(old, kept, now):
    ProgramFactory(shortfall_policy=ShortfallPolicy.WITHIN_BALANCE)
    earned = award(old, 100, now)
    award(kept, 30, now)
    before = redeem(kept, 30, now, "before")
    merge(old, kept, now)
    spent = redeem(kept, 100, now)
    assert claw_back(earned, 100, now).breakdown["forgiven"] == 100
    assert reimburse(before, now).breakdown["recouped"] == {}
    assert (reimburse(spent, now).points, account(kept)[:2]) == (0, (30, 0))


def test_what_was_forgiven_of_the_targets_own_is_not(old, kept, now):
    ProgramFactory(shortfall_policy=ShortfallPolicy.WITHIN_BALANCE)
    award(old, 100, now)
    spent = redeem(old, 100, now)
    earned = award(kept, 40, now)
    redeem(kept, 40, now)
    claw_back(earned, 40, now)
    merge(old, kept, now)
    assert reimburse(spent, now).points == 100


def test_points_that_move_with_activity_move_with_the_targets(old, kept, now):
    ProgramFactory(expiry_policy=ExpiryPolicy.INACTIVITY, expiry_months=1)
    award(old, 100, now)
    spent = redeem(old, 40, now)
    merge(old, kept, now)
    later = now + 30 * DAY
    lapse = award(kept, 1, later, "purchase:1").lots.get().expires_at
    given = reimburse(spent, later)
    assert {row[3] for row in lots(kept)} == {lapse}
    assert given.lots.get().remaining == 40


def test_coupons_redemptions_and_surprises_go_over(old, kept, now):
    award(old, 100, now)
    coupon = CouponFactory(customer=old)
    taken = request(old, RewardFactory(cost_points=60), now)
    rule = SurpriseRuleFactory()
    for customer, occasion in ((old, "birthday:2026"), (kept, "birthday:2026"), (old, "purchase:1")):
        Surprise.objects.create(rule=rule, customer=customer, occasion=occasion, arm=Arm.HOLDOUT, happened_at=now)
    record = merge(old, kept, now)
    assert (Coupon.objects.get().customer, type(taken).objects.get().customer) == (kept, kept)
    assert sorted(Surprise.objects.filter(customer=kept).values_list("occasion", flat=True)) == [
        "birthday:2026",
        "purchase:1",
    ]
    assert record.moved["rewards.Coupon"] == [coupon.pk]
    assert record.moved["rewards.RewardRedemption"] == [taken.pk]
    assert CustomerMerge.objects.get().moved == record.moved


def test_a_reward_of_the_source_is_cancelled_for_the_target(old, kept, now):
    award(old, 100, now)
    taken = request(old, RewardFactory(cost_points=60), now)
    merge(old, kept, now)
    cancel(taken, now)
    assert account(kept)[:2] == (100, 0)


@pytest.fixture
def tiers_of():
    silver, gold = (TierFactory(rank=rank, threshold=100 * rank) for rank in (1, 2))

    def tiers_of(*people):
        held = dict(TierMembership.objects.values_list("customer", "tier"))
        names = {silver.pk: "silver", gold.pk: "gold", None: None}
        return [names[held.get(customer.pk)] for customer in people]

    return tiers_of


def reach(customer, number, at):
    award(customer, number, at, f"purchase:{customer.pk}{number}")
    tiers.reassess(customer=customer, by=STAFF, at=at)


@pytest.mark.parametrize(
    ("source", "target", "merged"),
    [(200, 100, "gold"), (100, 200, "gold"), (100, 100, "gold"), (100, 10, "silver"), (60, 60, "silver")],
)
def test_the_higher_tier_stays_and_both_count_together(old, kept, now, tiers_of, source, target, merged):
    reach(old, source, now)
    reach(kept, target, now)
    before = tiers_of(old, kept)
    dates = list(TierMembership.objects.order_by("pk").values())
    record = merge(old, kept, now)
    assert tiers_of(kept) == [merged]
    undo(record, now)
    assert tiers_of(old, kept) == before
    assert list(TierMembership.objects.order_by("pk").values()) == dates


def test_a_tier_reached_since_stays(old, kept, now, tiers_of):
    reach(old, 100, now)
    record = merge(old, kept, now)
    reach(kept, 150, now)
    undo(record, now)
    assert tiers_of(old, kept) == ["silver", "gold"]


def test_an_adjustment_that_waits_goes_over(old, kept, now):
    ProgramFactory(adjustment_threshold=10)
    waiting = adjustments.ask(
        customer=old, points_wanted=50, reason="forgotten", reference="adjustment:1", by=actors.user(8), at=now
    )
    merge(old, kept, now)
    waiting.refresh_from_db()
    assert adjustments.approve(adjustment=waiting, by=STAFF, at=now).customer_id == kept.pk


def test_undo_gives_back_what_is_left_and_leaves_what_came_since(old, kept, now):
    award(old, 100, now)
    award(kept, 10, now)
    coupon, used = CouponFactory(customer=old), CouponFactory(customer=old)
    taken = request(old, RewardFactory(cost_points=20), now)
    record = merge(old, kept, now)
    award(kept, 5, now, "since")
    redeem(kept, 40, now, "since")
    Coupon.objects.filter(pk=used.pk).update(state="REDEEMED", redeemed_at=now, redeemed_by="till:1", discount_minor=0)
    undo(record, now)
    owners = dict(Coupon.objects.values_list("pk", "customer"))
    taken.refresh_from_db()
    assert (account(old)[:2], account(kept)[:2]) == ((50, 0), (5, 0))
    assert (owners[coupon.pk], owners[used.pk], taken.customer) == (old.pk, kept.pk, old)


def test_undo_gives_back_what_a_cancelled_reward_of_the_source_brought(old, kept, now):
    award(old, 100, now)
    taken = request(old, RewardFactory(cost_points=60), now)
    record = merge(old, kept, now)
    cancel(taken, now)
    undo(record, now)
    assert (account(old)[:2], account(kept)[:2]) == ((100, 0), (0, 0))


def test_undo_twice_books_once(old, kept, now):
    award(old, 100, now)
    record = merge(old, kept, now)
    undo(record, now)
    undo(record, now)
    assert (account(old), account(kept)) == ((100, 0, 3), (0, 0, 2))


def test_back_and_forth_leaves_everybody_theirs(old, kept, now):
    award(old, 100, now)
    award(kept, 10, now)
    for source, target in ((old, kept), (kept, old), (old, kept)):
        undo(merge(source, target, now), now)
        assert (account(old)[:2], account(kept)[:2]) == ((100, 0), (10, 0))


def test_a_merge_waits_for_no_import_and_no_import_for_it(old, kept, now):
    with import_lock.one_at_a_time():
        merge(old, kept, now)  # on the import's own connection


def test_check_ledger_sees_points_left_with_who_was_merged(old, kept, now):
    award(old, 100, now)
    merge(old, kept, now)
    with transaction.atomic():
        type(old).objects.filter(pk=kept.pk).update(merged_into=CustomerFactory(), closed_at=now)
        found = [(difference.customer_id, list(difference.findings)) for difference in ledger.differences()]
        transaction.set_rollback(True)
    assert found == [(kept.pk, ["merged"])]


def test_check_ledger_sees_a_merge_that_brought_other_dates(old, kept, now):
    award(old, 100, now)
    merge(old, kept, now)
    with transaction.atomic():
        PointsLot.objects.filter(customer=kept.pk).update(available_at=now - DAY)
        found = [(difference.customer_id, list(difference.findings)) for difference in ledger.differences()]
        transaction.set_rollback(True)
    assert found == [(kept.pk, ["merges"])]


def test_relatives_are_all_whom_a_merge_ever_joined(old, kept, now):
    third, _stranger = CustomerFactory(), CustomerFactory()
    undo(merge(old, kept, now), now)
    merge(kept, third, now)
    for customer in (old, kept, third):
        assert sorted(merges.relatives(customer=customer)) == sorted([old.pk, kept.pk, third.pk])


def test_a_redemption_waits_for_its_customer_under_the_new_name(old, kept, now):
    award(old, 100, now)
    taken = request(old, RewardFactory(cost_points=60), now)
    merge(old, kept, now)
    redemptions.fulfil(redemption=taken, by=STAFF, at=now)
    taken.refresh_from_db()
    assert (taken.customer, taken.state) == (kept, "FULFILLED")
