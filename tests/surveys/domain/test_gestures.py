"""What a store may give to say sorry: once a case, within the month's budget, whoever gives at the same moment."""

from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F

from customers.models import AuditEvent
from loyalty_site import merges
from loyalty_site.lib import actors
from rewards.domain import coupon_redemptions, coupons, explanations, points
from rewards.domain.offers import OfferNotLive
from rewards.models import Coupon, CouponState, PointsEntry, StaffAlert
from surveys.domain import cases, gestures
from surveys.models import Case, CaseEventKind, CaseGesture, GestureBudget
from tests.factories.customers import CustomerFactory, StoreFactory, UserFactory
from tests.factories.rewards import OfferFactory, ProgramFactory
from tests.factories.surveys import CaseFactory, GestureBudgetFactory, GestureOfferFactory
from tests.races import at_once, crowd

pytestmark = pytest.mark.django_db
STAFF = actors.user(7)


@pytest.fixture
def store():
    return StoreFactory(timezone="Asia/Shanghai")


@pytest.fixture
def budget(store):
    return GestureBudgetFactory(store=store)


@pytest.fixture
def case(store, budget):
    return CaseFactory(store=store)


def give(case, now, number=100, reason="The bread was stale."):
    return gestures.give_points(case=case, number=number, reason=reason, by=STAFF, at=now)


def spent(month=date(2026, 5, 1)):
    return GestureBudget.objects.values_list("points_spent", "spent_minor").get(month=month)


def test_points_are_booked_under_the_case(case, now):
    gesture = give(case, now)
    entry = gesture.points_entry
    assert (entry.points, entry.reference, entry.actor) == (100, f"case:{case.pk}", "user:7")
    assert explanations.explain(entry) == "100 points: with our apologies"
    assert (gesture.points, gesture.cost_minor, spent()) == (100, 0, (100, 0))
    event = case.events.get()
    assert (event.kind, event.text, event.data) == (
        CaseEventKind.GESTURE,
        "The bread was stale.",
        {"points": 100, "cost_minor": 0},
    )
    noted = AuditEvent.objects.get(action="case.gesture_given")
    assert (noted.actor, noted.subject, noted.data["points"]) == ("user:7", f"case:{case.pk}", 100)


def test_apology_is_in_the_customers_language(case, now):
    case.customer.language = "zh-hans"
    case.customer.save()
    assert give(case, now).points_entry.reason


def test_coupon_is_issued_under_the_case_and_costs_what_was_written(case, now):
    offer = GestureOfferFactory(cost_minor=700)
    gesture = gestures.give_coupon(case=case, offer=offer, reason="Stale.", by=STAFF, at=now)
    assert (gesture.coupon.reference, gesture.coupon.customer) == (f"case:{case.pk}", case.customer)
    assert (gesture.coupon.offer, spent()) == (offer.offer, (0, 700))


def test_one_gesture_a_case(case, now):
    give(case, now)
    with pytest.raises(gestures.GestureGivenAlready):
        gestures.give_coupon(case=case, offer=GestureOfferFactory(), reason="Again.", by=STAFF, at=now)


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [({"customer": None}, gestures.GestureNeedsCustomer), ({"store": None}, gestures.GestureNeedsStore)],
)
def test_gesture_needs_who_gets_and_who_pays(fields, refusal, now):
    with pytest.raises(refusal):
        give(CaseFactory(**fields), now)


def test_without_a_written_budget_nothing_is_given(now):
    with pytest.raises(gestures.BudgetMissing):
        give(CaseFactory(), now)


def test_offer_in_another_currency_is_refused(case, now):
    offer = GestureOfferFactory(offer=OfferFactory(currency="EUR"))
    with pytest.raises(gestures.GestureOtherCurrency):
        gestures.give_coupon(case=case, offer=offer, reason="Stale.", by=STAFF, at=now)


def test_offer_that_is_withdrawn_costs_nothing(case, now):
    offer = GestureOfferFactory(offer=OfferFactory(published_at=None))
    with pytest.raises(OfferNotLive):
        gestures.give_coupon(case=case, offer=offer, reason="Stale.", by=STAFF, at=now)
    assert not CaseGesture.objects.exists()
    assert not GestureBudget.objects.filter(spent_minor__gt=0).exists()


def test_budget_ends_exactly(case, now):
    give(case, now, number=950)
    with pytest.raises(gestures.BudgetSpent, match="50 points and ¥100.00"):
        give(CaseFactory(store=case.store), now, number=51)
    give(CaseFactory(store=case.store), now, number=50)
    assert spent() == (1000, 0)


def test_month_begins_on_the_stores_clock(case, store):
    last_of_may = datetime(2026, 5, 31, 15, 59, tzinfo=UTC)
    give(case, last_of_may, number=1000)
    give(CaseFactory(store=store), last_of_may + timedelta(minutes=1), number=1000)
    assert (spent(), spent(date(2026, 6, 1))) == ((1000, 0), (1000, 0))


def test_budget_goes_on_until_another_is_written(store, budget, now):
    GestureBudgetFactory(store=store, month=date(2026, 4, 1), points_max=20, budget_minor=0)
    found = gestures.of_month(store=store, at=now)
    assert (found.month, found.points_max, found.budget_minor) == (date(2026, 5, 1), 20, 0)
    assert gestures.of_month(store=store, at=datetime(2025, 12, 31, tzinfo=UTC)) is None


def test_store_that_answers_for_it_by_now_pays(case, now):
    other = GestureBudgetFactory(points_max=40).store
    stale = Case.objects.select_related("store", "customer").get(pk=case.pk)
    cases.pass_on(case=case, store=other, by=STAFF, at=now)
    with pytest.raises(gestures.BudgetSpent):
        give(stale, now, number=41)
    give(stale, now, number=40)
    assert GestureBudget.objects.get(store=other, month=date(2026, 5, 1)).points_spent == 40


def test_other_stores_have_their_own(case, now):
    give(case, now, number=1000)
    other = CaseFactory(store=GestureBudgetFactory().store)
    assert give(other, now, number=1000)


def test_more_than_one_person_may_give_needs_the_second(case, now):
    ProgramFactory(adjustment_threshold=100)
    with pytest.raises(gestures.GestureNeedsSecond):
        give(case, now, number=101)
    assert give(case, now, number=100)


def test_who_gives_to_themselves_is_noticed(case, now):
    user = UserFactory(email=case.customer.email, password=None)
    gestures.give_points(case=case, number=10, reason="Me.", by=actors.user(user.pk), at=now)
    assert StaffAlert.objects.get().fact == f"case:{case.pk}"


def test_points_are_taken_back_once_and_the_budget_has_them_again(case, now):
    gesture = give(case, now)
    for _ in range(2):
        gestures.take_back(gesture=gesture, reason="Wrong customer.", by=STAFF, at=now)
    assert points.summary(customer=case.customer, at=now).balance == 0
    assert spent() == (0, 0)
    taken = PointsEntry.objects.get(reference=f"case-gesture:{gesture.pk}")
    assert explanations.explain(taken) == "100 points taken back: the gesture was not meant"
    assert case.events.filter(kind=CaseEventKind.GESTURE_UNDONE).count() == 1
    again = give(case, now, number=20)
    assert (again.points_entry.reference, spent()) == (f"case:{case.pk}:2", (20, 0))


def test_coupon_that_is_taken_back_is_void(case, now):
    gesture = gestures.give_coupon(case=case, offer=GestureOfferFactory(), reason="Stale.", by=STAFF, at=now)
    gestures.take_back(gesture=gesture, reason="Wrong.", by=STAFF, at=now)
    assert (Coupon.objects.get().state, spent()) == (CouponState.VOID, (0, 0))


def test_coupon_that_was_used_stays(case, now):
    gesture = gestures.give_coupon(case=case, offer=GestureOfferFactory(), reason="Stale.", by=STAFF, at=now)
    Coupon.objects.update(state=CouponState.REDEEMED, uses_count=1)
    gesture.coupon.refresh_from_db()
    with pytest.raises(coupons.CouponAlreadyRedeemed), transaction.atomic():
        gestures.take_back(gesture=gesture, reason="Wrong.", by=STAFF, at=now)
    gesture.refresh_from_db()
    assert (gesture.undone_at, spent()) == (None, (0, 500))


def test_gesture_goes_to_who_the_customer_is_now_and_comes_back_from_them(case, now):
    mei = CustomerFactory()
    gesture = give(case, now)
    merges.merge(source=case.customer, target=mei, reason="", by=STAFF, at=now)
    gesture = CaseGesture.objects.get()
    gestures.take_back(gesture=gesture, reason="Wrong.", by=STAFF, at=now)
    assert (points.summary(customer=mei, at=now).balance, spent()) == (0, (0, 0))


def test_database_refuses_a_budget_that_is_overdrawn(budget):
    with pytest.raises(IntegrityError, match="gesture_budget_is_not_overdrawn"):
        GestureBudget.objects.update(points_spent=1001)


@pytest.mark.django_db(transaction=True)
def test_sixteen_at_once_spend_the_budget_to_the_last_point_and_no_further(now):
    store = StoreFactory()
    budget = GestureBudgetFactory(store=store, month=date(2026, 5, 1), points_max=1000)
    told = [CaseFactory(store=store) for _ in range(48)]
    with crowd(16) as people:
        done = [
            one
            for start in range(0, 48, 16)
            for one in people.at_once(
                [lambda case=case: give(case, now, number=70) for case in told[start : start + 16]]
            )
        ]
    given = [one for one in done if isinstance(one, CaseGesture)]
    assert {type(one) for one in done} == {CaseGesture, gestures.BudgetSpent}
    assert len(given) == 14  # 14 × 70 = 980 of 1,000
    budget.refresh_from_db()
    assert budget.points_spent == 980 == sum(PointsEntry.objects.values_list("points", flat=True))


@pytest.mark.django_db(transaction=True)
def test_sixteen_at_once_who_read_before_they_write_lose_what_others_took(now):
    """What the test above would show if the budget were read and then written."""
    budget = GestureBudgetFactory(month=date(2026, 5, 1), points_max=1000)

    def take():
        with transaction.atomic():
            row = GestureBudget.objects.get(pk=budget.pk)
            GestureBudget.objects.annotate(pause=F("pk")).extra(where=["pg_sleep(0.05) IS NOT NULL"]).first()
            row.points_spent += 70
            row.save(update_fields=["points_spent"])

    at_once(*[take] * 16)
    budget.refresh_from_db()
    assert budget.points_spent < 16 * 70 - 70


@pytest.mark.django_db(transaction=True)
def test_two_managers_at_once_give_one_gesture(now):
    store = StoreFactory()
    GestureBudgetFactory(store=store)
    offer = GestureOfferFactory()
    for number in range(1, 7):
        case = CaseFactory(store=store)
        done = at_once(
            partial(give, case, now, number=10),
            partial(gestures.give_coupon, case=case, offer=offer, reason="Stale.", by=STAFF, at=now),
        )
        assert sorted(type(one).__name__ for one in done) == ["CaseGesture", "GestureGivenAlready"]
        assert CaseGesture.objects.count() == number


@pytest.mark.django_db(transaction=True)
def test_two_who_take_it_back_at_once_give_the_budget_back_once(now):
    store = StoreFactory()
    GestureBudgetFactory(store=store)
    for _ in range(6):
        gesture = give(CaseFactory(store=store), now, number=10)
        read = [CaseGesture.objects.select_related("case__customer").get(pk=gesture.pk) for _ in range(2)]
        at_once(*[lambda one=one: gestures.take_back(gesture=one, reason="No.", by=STAFF, at=now) for one in read])
        assert spent() == (0, 0)


def test_gift_is_handed_over_like_any_coupon(case, now):
    offer = GestureOfferFactory(offer=OfferFactory(kind="GIFT", amount_minor=None), cost_minor=2500)
    gesture = gestures.give_coupon(case=case, offer=offer, reason="Stale.", by=STAFF, at=now)
    coupon_redemptions.redeem(
        coupon=gesture.coupon, customer=case.customer, store=case.store, uses_before=None, by=STAFF, at=now
    )
    assert (Coupon.objects.get().state, spent()) == (CouponState.REDEEMED, (0, 2500))
