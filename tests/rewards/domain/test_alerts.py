from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError

from customers.domain import audit
from customers.models import AuditEvent, PurchaseReturn
from loyalty_site.lib import actors
from rewards.domain import adjustments, alerts, coupons, redemptions
from rewards.models import PointsAdjustment, StaffAlert
from tests.factories.customers import CustomerFactory, PurchaseFactory, UserFactory
from tests.factories.rewards import OfferFactory, ProgramFactory, RewardFactory
from tests.races import at_once
from tests.rewards.domain.baskets import back, basket
from tests.rewards.domain.steps import award, request

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def program(db):
    return ProgramFactory(timezone="Asia/Shanghai")


@pytest.fixture
def anna():
    return UserFactory(email="Anna@example.org", phone="+4915112345678", password=None)


@pytest.fixture
def managers():
    """Five of one role."""
    group = Group.objects.create(name="managers")
    staff = UserFactory.create_batch(5, password=None)
    group.user_set.set(staff)
    return staff


def ask(customer, number, at, by, reference="form:1"):
    told = {"customer": customer, "points_wanted": number, "reference": reference, "reason": "lost receipt"}
    return adjustments.ask(**told, by=actors.user(by.pk), at=at)


def told():
    rows = StaffAlert.objects.order_by("pk").values_list("kind", "actor", "fact", "customer", "number", "usual")
    return [tuple(row) for row in rows]


def adjusted(user, number, at):
    """As if this many small adjustments had been booked, each for another customer."""
    entry_of = [award(CustomerFactory(), 1, at) for _ in range(number)]
    PointsAdjustment.objects.bulk_create(
        PointsAdjustment(
            customer_id=entry.customer_id,
            points=1,
            reason="why",
            reference=f"test:{entry.pk}",
            state="BOOKED",
            needs_second=False,
            asked_by=f"user:{user.pk}",
            asked_at=at,
            entry=entry,
        )
        for entry in entry_of
    )


def taken_back(actor, number, at, fingerprint=b"told", customer=None):
    for n in range(number):
        bought = PurchaseFactory(customer=customer, recorded_by="system", purchased_at=at)
        PurchaseReturn.objects.create(
            purchase=bought,
            store=bought.store,
            return_number=f"{actor}-{n}",
            returned_at=at,
            recorded_at=at,
            recorded_by=actor,
            fingerprint=fingerprint,
        )


@pytest.mark.parametrize(
    "contact",
    [{"email": "anna@EXAMPLE.org"}, {"email": "", "phone": "+4915112345678"}],
    ids=["email", "phone"],
)
def test_serving_oneself_is_noticed_at_once(anna, now, contact):
    own = CustomerFactory(**contact)
    award(own, 500, now)
    by, who = actors.user(anna.pk), f"user:{anna.pk}"
    adjustment = ask(own, 10, now, anna)
    coupon = coupons.issue(offer=OfferFactory(), customer=own, reference="staff:1", by=by, at=now)
    taken = request(own, RewardFactory(), now)
    redemptions.fulfil(redemption=taken, by=by, at=now)
    expected = [
        ("OWN_ADJUSTMENT", who, f"adjustment:{adjustment.pk}", own.pk, None, None),
        ("OWN_COUPON", who, f"coupon:{coupon.pk}", own.pk, None, None),
        ("OWN_REWARD", who, f"redemption:{taken.pk}", own.pk, None, None),
    ]
    assert told() == expected
    assert alerts.look_over(at=now) == 0
    assert told() == expected


def test_taking_back_ones_own_purchase_is_noticed_at_once(settle, take_back, anna, now):
    own = CustomerFactory(email="anna@example.org")
    purchase = settle(basket(4000, customer=own, now=now)).purchase
    for _ in range(2):
        made = take_back(purchase, back(1, 4000, now=now), by=actors.user(anna.pk)).purchase_return
    assert [row[:4] for row in told()] == [("OWN_RETURN", f"user:{anna.pk}", f"return:{made.pk}", own.pk)]
    assert alerts.look_over(at=now) == 0


def test_serving_others_is_not(anna, now):
    for contact in ({}, {"email": ""}, {"email": "", "phone": "+4915112345679"}):
        other = CustomerFactory(**contact)
        award(other, 500, now)
        ask(other, 10, now, anna, f"form:{other.pk}")
        taken = request(other, RewardFactory(), now, f"web:{other.pk}")
        redemptions.fulfil(redemption=taken, by=actors.user(anna.pk), at=now)
    alerts.look_over(at=now)
    assert told() == []


def test_a_member_of_staff_without_a_phone_is_nobody_without_an_address(now):
    ask(CustomerFactory(email="", phone=""), 10, now, UserFactory(password=None))
    alerts.look_over(at=now)
    assert told() == []


def test_who_lets_their_own_large_one_pass_is_noticed_too(anna, now):
    own, other = CustomerFactory(email="anna@example.org"), UserFactory(password=None)
    asked = ask(own, 5000, now, other)
    assert told() == []
    adjustments.approve(adjustment=asked, by=actors.user(anna.pk), at=now)
    assert [row[:3] for row in told()] == [("OWN_ADJUSTMENT", f"user:{anna.pk}", f"adjustment:{asked.pk}")]
    assert alerts.look_over(at=now) == 0


def test_night_finds_what_was_not_noticed_at_once(anna, now):
    own = CustomerFactory(email="somebody@example.org")
    award(own, 500, now)
    by = actors.user(anna.pk)
    ask(own, 10, now, anna)
    coupons.issue(offer=OfferFactory(), customer=own, reference="staff:1", by=by, at=now)
    taken = request(own, RewardFactory(), now)
    redemptions.fulfil(redemption=taken, by=by, at=now)
    taken_back(str(by), 1, now, customer=own)
    assert told() == []
    own.email = "anna@example.org"  # changed afterwards
    own.save()
    assert alerts.look_over(at=now + DAY) == 4
    assert {row[0] for row in told()} == {"OWN_ADJUSTMENT", "OWN_COUPON", "OWN_RETURN", "OWN_REWARD"}
    assert alerts.look_over(at=now + 2 * DAY) == 0


def test_more_than_three_times_the_median_of_the_same_role_is_unusual(managers, now):
    for user, number in zip(managers, (3, 4, 4, 5, 13), strict=True):
        adjusted(user, number, now)
    assert alerts.look_over(at=now) == 1
    assert told() == [("MANY_ADJUSTMENTS", f"user:{managers[4].pk}", "2026-05-20", None, 13, Decimal("4.0"))]


@pytest.mark.parametrize(
    ("counts", "is_told"),
    [
        ((4, 4, 4, 4, 12), False),  # three times is not more than three times
        ((4, 4, 4, 4, 13), True),
        ((0, 0, 0, 0, 9), False),  # fewer than there must be
        ((0, 0, 0, 0, 10), True),
        ((20, 20, 20, 20, 30), False),
    ],
)
def test_bounds_of_what_is_unusual(managers, now, counts, is_told):
    for user, number in zip(managers, counts, strict=True):
        adjusted(user, number, now)
    assert alerts.look_over(at=now) == is_told


def test_without_peers_nothing_is_unusual(managers, now):
    alone = UserFactory(password=None)
    adjusted(alone, 40, now)
    assert alerts.look_over(at=now) == 0
    for colleague in managers[1:]:
        colleague.is_active = False
        colleague.save()
    adjusted(managers[0], 40, now)
    assert alerts.look_over(at=now) == 0


def test_only_thirty_days_count_and_what_was_refused_does_not(managers, now):
    adjusted(managers[0], 6, now - 30 * DAY - timedelta(seconds=1))
    adjusted(managers[0], 6, now)
    for number in range(6):
        asked = ask(CustomerFactory(), 5000, now, managers[0], f"form:{number}")
        adjustments.refuse(adjustment=asked, note="no", by=actors.user(managers[1].pk), at=now)
    assert alerts.look_over(at=now) == 0


def test_the_same_is_told_again_after_thirty_days_at_the_earliest(managers, now):
    adjusted(managers[0], 10, now)
    assert [alerts.look_over(at=now + n * DAY) for n in range(4)] == [1, 0, 0, 0]
    adjusted(managers[0], 10, now + 20 * DAY)
    assert alerts.look_over(at=now + 29 * DAY) == 0
    assert alerts.look_over(at=now + 31 * DAY) == 1


def test_tills_are_beside_tills_that_sell(now):
    for till in range(1, 6):
        PurchaseFactory(recorded_by=f"till:{till}", purchased_at=now)
    taken_back("till:1", 20, now)
    taken_back("till:2", 5, now)
    taken_back("till:9", 19, now)
    assert alerts.look_over(at=now) == 1
    assert told() == [("MANY_RETURNS", "till:1", "2026-05-20", None, 20, Decimal("0.0"))]


def test_what_a_file_brought_is_nobodys_doing(anna, managers, now):
    own = CustomerFactory(email="anna@example.org")
    taken_back(f"user:{anna.pk}", 1, now, fingerprint=b"", customer=own)
    taken_back(f"user:{managers[0].pk}", 40, now, fingerprint=b"")
    assert alerts.look_over(at=now) == 0


def test_many_coupons_by_hand_are_unusual(managers, now):
    offer = OfferFactory()
    for number in range(20):
        told = {"offer": offer, "customer": None, "reference": f"staff:{number}"}
        coupons.issue(**told, by=actors.user(managers[0].pk), at=now)
    audit.record(actor=actors.user(managers[0].pk), action="coupon.issued", subject="coupon:999999", at=now)
    assert alerts.look_over(at=now) == 1
    assert StaffAlert.objects.get().number == 20


def test_seen_keeps_who_looked_first(managers, now):
    adjusted(managers[0], 10, now)
    alerts.look_over(at=now)
    alert = StaffAlert.objects.get()
    alerts.see(alert=alert, by=actors.user(1), at=now)
    alerts.see(alert=alert, by=actors.user(2), at=now + DAY)
    assert (alert.seen_by, alert.seen_at) == ("user:1", now)
    assert AuditEvent.objects.filter(action="alert.seen").count() == 1


def test_database_keeps_one_alert_for_a_fact(anna, now):
    values = {"kind": "OWN_COUPON", "actor": "user:1", "fact": "coupon:1", "customer": CustomerFactory()}
    StaffAlert.objects.create(**values, noticed_at=now)
    with pytest.raises(IntegrityError, match="staff_alert_once_per_fact"):
        StaffAlert.objects.create(**values, noticed_at=now + DAY)


@pytest.mark.django_db(transaction=True)
def test_eight_nights_at_once_tell_once(managers, anna, now):
    adjusted(managers[0], 10, now)
    taken_back(f"user:{anna.pk}", 1, now, customer=CustomerFactory(email="anna@example.org"))
    found = at_once(*[lambda: alerts.look_over(at=now)] * 8)
    assert (sum(found), StaffAlert.objects.count()) == (2, 2)
