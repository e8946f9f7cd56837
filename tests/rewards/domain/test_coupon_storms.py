"""64 tills in each other's way, round after round: every use and every limit is exact, and nobody waits for ever.

`COUPON_ROUNDS=200` is what `make torture` does; without it a few rounds, so that the storm itself stays sound.
"""

import os
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction

from customers.models import Purchase
from loyalty_site.lib.actors import SYSTEM, till, user
from rewards.domain import coupon_books, coupon_holds, coupon_redemptions, coupons, merges, public_codes
from rewards.models import Coupon, CouponHold, CouponRedemption, CouponState, Offer, OfferKind, OfferPeriod, OfferTally
from tests.factories.customers import CustomerFactory
from tests.factories.rewards import CouponFactory, OfferFactory, ProgramFactory
from tests.races import crowd
from tests.rewards.domain.baskets import back, basket

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("books_balance")]

ROUNDS = int(os.environ.get("COUPON_ROUNDS", "4"))
CLIENTS = 64
ATTEMPTS = 10 * ROUNDS  # 2,000 in make torture
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def people():
    with crowd(CLIENTS) as people:
        yield people


def kinds(results):
    """How many of each, the errors by their names."""
    return Counter(type(result).__name__ for result in results)


def gift(**values):
    return OfferFactory(kind=OfferKind.GIFT, amount_minor=None, **values)


def redeem(code, now, number=1, customer=None):
    return coupon_redemptions.redeem(coupon=coupons.find(text=code), customer=customer, by=till(number), at=now)


# --- one coupon, with the control that a look before the leap is not enough


def looks_then_leaps(code, now, number=1, customer=None):
    """How it must not be done: the state is read, and by the time it is written others have read it too."""
    coupon = coupons.find(text=code)
    if coupon.state != CouponState.ISSUED or coupon.uses_count == coupon.uses_max:
        raise coupons.CouponAlreadyRedeemed(coupon=coupon.display_code)
    offer = Offer.objects.get(pk=coupon.offer_id)
    if offer.redemptions_max is not None and offer.redeemed_count >= offer.redemptions_max:
        raise coupons.refusal_for("offer_limit_reached", coupon)
    with transaction.atomic():
        Coupon.objects.filter(pk=coupon.pk).update(state=CouponState.REDEEMED, uses_count=1)
        Offer.objects.filter(pk=coupon.offer_id).update(redeemed_count=offer.redeemed_count + 1)
        return CouponRedemption.objects.create(
            coupon=coupon, offer=coupon.offer, discount_minor=0, redeemed_at=now, redeemed_by=str(till(number))
        )


def storm_at_one_coupon(people, way, now, rounds):
    offer = gift()
    for round_number in range(1, rounds + 1):
        code = CouponFactory(offer=offer).code
        results = people.at_once([lambda n=n, code=code: way(code, now, n) for n in range(1, CLIENTS + 1)])
        assert kinds(results) == {"CouponRedemption": 1, "CouponAlreadyRedeemed": CLIENTS - 1}
        coupon = Coupon.objects.get(code=code)
        assert (coupon.state, coupon.uses_count, coupon.redemptions.count()) == (CouponState.REDEEMED, 1, 1)
        assert Offer.objects.get(pk=offer.pk).redeemed_count == round_number


def storm_at_a_limit(people, way, now, limit, attempts):
    offer = gift(redemptions_max=limit)
    codes = [coupon.code for coupon in CouponFactory.create_batch(attempts, offer=offer)]
    results = people.in_turn([lambda code=code: way(code, now) for code in codes])
    assert kinds(results) == {"CouponRedemption": limit, "OfferLimitReached": attempts - limit}
    assert Offer.objects.get(pk=offer.pk).redeemed_count == offer.redemptions.count() == limit


def test_one_coupon_is_good_once(people, now):
    storm_at_one_coupon(people, redeem, now, ROUNDS)


def test_a_limit_is_reached_exactly(people, now):
    storm_at_a_limit(people, redeem, now, limit=ATTEMPTS // 20, attempts=ATTEMPTS)


class TestControl:
    """The same storms find a redemption that only looks first: they can fail."""

    pytestmark = pytest.mark.usefixtures("forgotten")

    @pytest.fixture
    def forgotten(self, books_balance):
        """What it leaves is wrong, and not for the books' proof to find again."""
        yield
        assert coupon_books.differences() != []
        CouponRedemption.objects.all().delete()
        Coupon.objects.all().delete()
        Offer.objects.all().delete()

    def test_one_coupon(self, people, now):
        with pytest.raises(AssertionError):
            storm_at_one_coupon(people, looks_then_leaps, now, rounds=20)

    def test_a_limit(self, people, now):
        with pytest.raises(AssertionError):
            storm_at_a_limit(people, looks_then_leaps, now, limit=50, attempts=400)


# --- purchases


def test_one_coupon_pays_in_one_purchase(people, settle, now):
    for number in range(ROUNDS):
        code = CouponFactory().code
        told = [basket(4000, customer=None, now=now, receipt=f"R-{number}-{n}", coupons=[code]) for n in range(CLIENTS)]
        results = people.at_once([lambda one=one: settle(one) for one in told])
        assert kinds(results) == {"Settlement": 1, "CouponAlreadyRedeemed": CLIENTS - 1}
        assert Purchase.objects.count() == CouponRedemption.objects.count() == number + 1


def test_a_budget_is_never_overrun(people, settle, now):
    """Room for five and a half: the sixth would overrun it."""
    for number in range(ROUNDS):
        offer = OfferFactory(amount_minor=500, budget_minor=2750)
        codes = [coupon.code for coupon in CouponFactory.create_batch(CLIENTS, offer=offer)]
        told = [
            basket(4000, customer=None, now=now, receipt=f"R-{number}-{n}", coupons=[code])
            for n, code in enumerate(codes)
        ]
        results = people.at_once([lambda one=one: settle(one) for one in told])
        assert kinds(results) == {"Settlement": 5, "OfferBudgetSpent": CLIENTS - 5}
        offer.refresh_from_db()
        assert (offer.redeemed_count, offer.redeemed_minor) == (5, 2500)


def test_cancelled_and_used_again_at_once(people, settle, take_back, now):
    """The coupon comes back while seven want it: at most one gets it, and it is used or good, never both."""
    offer = OfferFactory(redemptions_max=1, budget_minor=500)
    for number in range(ROUNDS):
        code = CouponFactory(offer=offer).code
        first = settle(basket(4000, customer=None, now=now, receipt=f"R-{number}", coupons=[code])).purchase
        told = [basket(4000, customer=None, now=now, receipt=f"R-{number}-{n}", coupons=[code]) for n in range(7)]
        results = people.at_once(
            [
                lambda p=first, n=number: take_back(p, back(1, 4000, now=now, number=f"B-{n}")),
                *[lambda one=one: settle(one) for one in told],
            ]
        )
        found = kinds(results)
        assert found["TakenBack"] == 1
        assert found["Settlement"] <= 1
        assert set(found) <= {"TakenBack", "Settlement", "CouponAlreadyRedeemed", "OfferLimitReached"}
        coupon = Coupon.objects.get(code=code)
        assert (coupon.uses_count, coupon.state == CouponState.REDEEMED) == (
            found["Settlement"],
            bool(found["Settlement"]),
        )
        assert coupon_books.differences() == []
        for used in Purchase.objects.filter(coupon_redemptions__rolled_back_at__isnull=True).exclude(pk=first.pk):
            if used.coupon_redemptions.exists():
                take_back(used, back(1, 4000, now=now, number=f"C-{number}"))


def test_a_gift_that_is_taken_back_by_all_comes_back_once(people, now):
    offer = gift(redemptions_max=1)
    for _ in range(ROUNDS):
        code = CouponFactory(offer=offer).code
        used = redeem(code, now)
        calls = [
            lambda pk=used.pk, n=n: coupon_redemptions.roll_back(
                redemption=CouponRedemption.objects.get(pk=pk), by=till(n), at=now
            )
            for n in range(1, 17)
        ]
        results = people.at_once(calls)
        assert Counter(results) == {True: 1, False: 15}
        assert Coupon.objects.get(code=code).uses_count == 0
    assert Offer.objects.get(pk=offer.pk).redeemed_count == 0


# --- limits of customers, codes and periods


def test_once_for_a_customer_at_two_tills(people, settle, now):
    offer = OfferFactory(customer_max=1)
    code = public_codes.issue(offer=offer, code="WELCOME10", uses_max=None, by=SYSTEM, at=now).code
    for number in range(ROUNDS):
        customer = CustomerFactory()
        told = [basket(4000, customer=customer, now=now, receipt=f"R-{number}-{n}", coupons=[code]) for n in range(2)]
        results = people.at_once([lambda one=one: settle(one) for one in told])
        assert kinds(results) == {"Settlement": 1, "CustomerLimitReached": 1}
        assert OfferTally.objects.get(customer=customer).used == 1
    assert Coupon.objects.get().uses_count == ROUNDS


def test_a_code_of_five_uses_is_used_five_times(people, now):
    offer = gift(code_max=5)
    for number in range(ROUNDS):
        code = coupons.issue(offer=offer, customer=None, reference=f"test:{number}", by=SYSTEM, at=now).code
        results = people.at_once([lambda n=n, code=code: redeem(code, now, n) for n in range(1, CLIENTS + 1)])
        assert kinds(results) == {"CouponRedemption": 5, "CouponAlreadyRedeemed": CLIENTS - 5}
        assert Coupon.objects.get(code=code).state == CouponState.REDEEMED


def edge(zone, *local):
    return datetime(*local, tzinfo=ZoneInfo(zone))


EDGES = {
    "a day of 25 hours": ("America/New_York", OfferPeriod.DAY, (2026, 11, 2), date(2026, 11, 1), date(2026, 11, 2)),
    "a day of 23 hours": ("America/New_York", OfferPeriod.DAY, (2026, 3, 9), date(2026, 3, 8), date(2026, 3, 9)),
    "a week that ends a year": (
        "Asia/Shanghai",
        OfferPeriod.WEEK,
        (2027, 1, 4),
        date(2026, 12, 28),
        date(2027, 1, 4),
    ),
    "the last day of February": ("Asia/Shanghai", OfferPeriod.MONTH, (2026, 3, 1), date(2026, 2, 1), date(2026, 3, 1)),
    "a year": ("Europe/Berlin", OfferPeriod.YEAR, (2027, 1, 1), date(2026, 1, 1), date(2027, 1, 1)),
}


@pytest.mark.parametrize(("zone", "period", "midnight", "before", "after"), EDGES.values(), ids=EDGES)
def test_a_period_ends_at_midnight_of_the_programmes_zone(people, settle, zone, period, midnight, before, after):
    """Tills tell of purchases a second before and at midnight, all at once: three are good on either side."""
    ProgramFactory(timezone=zone)
    at = edge(zone, *midnight)
    offer = OfferFactory(
        period=period, period_max=3, valid_from=at - timedelta(days=400), published_at=at - timedelta(days=400)
    )
    code = CouponFactory(offer=offer, uses_max=None, issued_at=at - timedelta(days=400)).code
    told = [
        basket(4000, customer=None, now=at - timedelta(seconds=n % 2), receipt=f"R-{n}", coupons=[code])
        for n in range(16)
    ]
    results = people.at_once([lambda one=one: settle(one, at=at + MINUTE) for one in told])
    assert kinds(results) == {"Settlement": 6, "PeriodLimitReached": 10}
    assert sorted(OfferTally.objects.values_list("period_start", "used")) == [(before, 3), (after, 3)]


def test_twice_in_the_hour_that_a_day_has_twice_is_one_day(people, settle):
    """01:30 comes twice on 1 November in New York; both are of that day, and of one customer's one use in it."""
    ProgramFactory(timezone="America/New_York")
    first = edge("America/New_York", 2026, 11, 1, 1, 30)
    first, second = first.astimezone(UTC), first.replace(fold=1).astimezone(UTC)
    customer = CustomerFactory()
    offer = OfferFactory(period=OfferPeriod.DAY, customer_period_max=1)
    code = CouponFactory(offer=offer, uses_max=None).code
    told = [
        basket(4000, customer=customer, now=at, receipt=f"R-{n}", coupons=[code])
        for n, at in enumerate((first, second))
    ]
    results = people.at_once([lambda one=one: settle(one, at=second + MINUTE) for one in told])
    assert kinds(results) == {"Settlement": 1, "CustomerPeriodLimitReached": 1}
    later = basket(4000, customer=customer, now=edge("America/New_York", 2026, 11, 2), receipt="R-9", coupons=[code])
    assert settle(later, at=later.purchased_at).created


# --- holds


def test_one_till_holds_the_last_use(people, now):
    offer = gift()
    for _ in range(ROUNDS):
        code = CouponFactory(offer=offer).code
        calls = [lambda n=n, code=code: hold(code, now, n) for n in range(1, CLIENTS + 1)]
        assert kinds(people.at_once(calls)) == {"CouponHold": 1, "CouponHeld": CLIENTS - 1}
        assert CouponHold.objects.filter(coupon__code=code).count() == 1


def hold(code, now, number, customer=None):
    found = coupons.find(text=code)
    return coupon_holds.hold(coupon=found, customer=customer, ttl=10 * MINUTE, by=till(number), at=now)


def test_hold_against_redemption_has_one_winner(people, now):
    offer = gift()
    for _ in range(ROUNDS):
        code = CouponFactory(offer=offer).code
        held, used = people.at_once([lambda code=code: hold(code, now, 1), lambda code=code: redeem(code, now, 2)])
        names = (type(held).__name__, type(used).__name__)
        assert names in [("CouponHold", "CouponHeld"), ("CouponAlreadyRedeemed", "CouponRedemption")]
        if names[0] == "CouponHold":
            assert redeem(code, now, 1)


def test_releases_and_redemptions_of_one_hold_never_clash(people, now):
    offer = gift()
    for _ in range(ROUNDS):
        code = CouponFactory(offer=offer).code
        kept = hold(code, now, 1)
        results = people.at_once(
            [
                lambda code=code: redeem(code, now, 1),
                lambda pk=kept.pk: coupon_holds.release(hold=CouponHold.objects.get(pk=pk), at=now),
                lambda code=code: hold(code, now, 1),
                lambda code=code: redeem(code, now, 2),
            ]
        )
        found = kinds(results)
        assert set(found) <= {
            *("CouponRedemption", "CouponAlreadyRedeemed", "CouponHeld", "CouponHold", "CouponHoldCaptured"),
        }
        coupon = Coupon.objects.get(code=code)
        live = sum(one.is_live(now) for one in coupon.holds.all())
        assert found["CouponRedemption"] == coupon.uses_count
        assert coupon.uses_count + live <= 1


# --- everything in each other's way


def test_tills_staff_and_merges_never_deadlock(people, settle, take_back, now):
    """Pairs of stackable coupons in opposite orders, roll-backs, holds, coupons made void by the dozen, merges."""
    offers = [
        OfferFactory(is_stackable=True, customer_max=50, period=OfferPeriod.WEEK, period_max=10_000) for _ in range(2)
    ]
    for number in range(ROUNDS):
        customers = CustomerFactory.create_batch(4)
        made = [CouponFactory(offer=offers[n % 2], customer=customers[n % 3]) for n in range(12)]
        bearers = [CouponFactory(offer=offers[n % 2]) for n in range(6)]
        sold = [
            settle(basket(4000, customer=customers[n], now=now, receipt=f"S-{number}-{n}", coupons=[made[n].code]))
            for n in range(3)
        ]
        told = [
            basket(
                4000,
                customer=customers[n % 3],
                now=now,
                receipt=f"R-{number}-{n}",
                coupons=[one.code for one in (bearers if n % 2 else bearers[::-1])],
            )
            for n in range(12)
        ]
        scope = Coupon.objects.filter(pk__in=[one.pk for one in made[3:]])
        results = people.at_once(
            [
                *[lambda one=one: settle(one) for one in told],
                *[
                    lambda one=one, n=n, number=number: take_back(
                        one.purchase, back(1, 4000, now=now, number=f"B-{number}-{n}")
                    )
                    for n, one in enumerate(sold)
                ],
                *[lambda one=one, n=n: hold(one.code, now, n) for n, one in enumerate(made[3:9], start=1)],
                lambda scope=scope: coupons.void_all(coupons=scope, reason="mix", by=user(1), at=now),
                lambda c=customers: merges.merge(source=c[0], target=c[3], reason="", by=user(1), at=now),
            ]
        )
        assert set(kinds(results)) <= {
            *("Settlement", "TakenBack", "CouponHold", "Voided", "CustomerMerge", "CouponAlreadyRedeemed"),
            *("CouponHeld", "CouponVoid", "CustomerMerged", "CustomerClosed", "CouponNotYours"),
        }
        assert coupon_books.differences() == []
