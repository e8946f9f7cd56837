"""Refusals at the counter are counted, though what was refused is taken back."""

from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest
from django.db import IntegrityError, connection

from loyalty_site.lib.actors import SYSTEM
from rewards.domain import checkout, coupon_redemptions, coupon_refusals, coupons, offer_reports
from rewards.domain.offer_reports import Refused
from rewards.models import Coupon, CouponState, OfferKind, RefusalReason, RefusalTally
from rewards.tasks import forget_refusals
from tests.factories.customers import CustomerFactory, StoreFactory
from tests.factories.rewards import CouponFactory, OfferFactory, ProgramFactory
from tests.races import at_once
from tests.rewards.domain.baskets import basket

pytestmark = pytest.mark.django_db
VOID, EXPIRED = "coupon_void", "coupon_expired"


def void(**changes):
    return CouponFactory(state=CouponState.VOID, **changes)


def refuse(coupon, store, at, word=VOID):
    coupon_refusals.count(refusals=[coupons.refusal_for(word, coupon)], store=store, at=at)


def told():
    return set(RefusalTally.objects.values_list("offer", "store", "day", "reason", "times"))


def test_every_word_of_a_refusal_can_be_counted():
    assert set(RefusalReason.values) == set(coupons._REFUSALS)


def test_each_offer_store_day_and_reason_has_its_own_number(now):
    """The day is the programme's: 10:30 in London is the same day in Shanghai, 17:00 the next one."""
    ProgramFactory(timezone="Asia/Shanghai")
    first, second, north, south = void(), void(), StoreFactory(), StoreFactory()
    late = now.replace(hour=17)
    for coupon, store, at, word in [
        (first, north, now, VOID),
        (first, north, now, VOID),
        (first, north, now, EXPIRED),
        (first, south, now, VOID),
        (first, north, late, VOID),
        (second, north, now, VOID),
    ]:
        refuse(coupon, store, at, word)
    day, next_day = date(2026, 5, 20), date(2026, 5, 21)
    assert told() == {
        (first.offer_id, north.pk, day, VOID, 2),
        (first.offer_id, north.pk, day, EXPIRED, 1),
        (first.offer_id, south.pk, day, VOID, 1),
        (first.offer_id, north.pk, next_day, VOID, 1),
        (second.offer_id, north.pk, day, VOID, 1),
    }


def test_several_refusals_are_one_statement(now, store, django_assert_num_queries):
    offer = OfferFactory()
    refused = [coupons.refusal_for(VOID, void(offer=offer)) for _ in range(3)]
    refused += [coupons.refusal_for(EXPIRED, void(offer=offer)), coupons.refusal_for(EXPIRED, void())]
    with django_assert_num_queries(1):
        coupon_refusals.count(refusals=refused, store=store, at=now)
    assert sorted(RefusalTally.objects.values_list("reason", "times")) == [(EXPIRED, 1), (EXPIRED, 1), (VOID, 3)]


def test_what_is_no_refusal_of_a_coupon_is_not_counted(now, store, django_assert_num_queries):
    others = [
        coupons.CouponUnknown(coupon="X\0"),
        coupons.CouponMistyped(coupon="NOSUCH"),
        coupon_redemptions.CouponUsedSince(),
        coupons.refusal_for("offer_not_live", CouponFactory.build(code="GONE", offer=OfferFactory.build())),
    ]
    with django_assert_num_queries(1):
        coupon_refusals.count(refusals=others, store=store, at=now)
    with django_assert_num_queries(0):
        coupon_refusals.count(refusals=others[:3], store=store, at=now)
    assert told() == set()


def test_refused_purchase_is_taken_back_and_counted(now, store, settle, customer):
    coupon = void()
    with pytest.raises(coupons.CouponVoid), coupon_refusals.counted(store=store, at=now):
        settle(basket(1000, customer=customer, now=now, coupons=[coupon.code]))
    assert told() == {(coupon.offer_id, store.pk, date(2026, 5, 20), VOID, 1)}
    with coupon_refusals.counted(store=store, at=now):
        settle(basket(1000, customer=customer, now=now, coupons=[CouponFactory().code]))
    assert RefusalTally.objects.get().times == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("number", [2, 16])
def test_refused_at_once_each_is_counted(now, number):
    coupon, store = void(), StoreFactory()
    calls = [partial(refuse, coupon, store, now)] * number
    assert at_once(*calls) == [None] * number
    assert RefusalTally.objects.get().times == number
    at_once(*calls)
    assert RefusalTally.objects.get().times == 2 * number


@pytest.mark.django_db(transaction=True)
def test_last_use_that_two_tills_want_is_one_use_and_one_refusal(now):
    """Found by the claim itself, in the midst of the booking."""
    store = StoreFactory()
    coupon = CouponFactory(offer=OfferFactory(kind=OfferKind.GIFT, amount_minor=None))

    def hand_over():
        with coupon_refusals.counted(store=store, at=now):
            return coupon_redemptions.redeem(
                coupon=Coupon.objects.get(pk=coupon.pk), customer=None, store=store, by=SYSTEM, at=now
            )

    answers = at_once(*[hand_over] * 2)
    assert sorted(type(answer).__name__ for answer in answers) == ["CouponAlreadyRedeemed", "CouponRedemption"]
    assert RefusalTally.objects.get().times == 1


def test_forgotten_when_they_are_old(now, store, time_machine):
    time_machine.move_to(now, tick=False)
    for days in (0, 400, 401):
        refuse(void(), store, now - timedelta(days=days))
    forget_refusals()
    assert sorted(RefusalTally.objects.values_list("day", flat=True)) == [date(2025, 4, 15), date(2026, 5, 20)]
    assert coupon_refusals.forget(at=now) == 0


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"reason": "because"}, "refusal_tally_reason_is_known"),
        ({"times": 0}, "refusal_tally_counts_something"),
        ({}, "refusal_tally_once_per_key"),
    ],
)
def test_database_keeps_the_rules(now, store, changes, rule):
    refuse(void(), store, now)
    values = RefusalTally.objects.values("offer_id", "store_id", "day", "reason", "times").get()
    with pytest.raises(IntegrityError, match=rule):
        RefusalTally.objects.create(**values | changes)


def test_report_says_where_and_why():
    ProgramFactory(timezone="Asia/Shanghai")
    offer, north, south = OfferFactory(), StoreFactory(name="North"), StoreFactory(name="South")
    coupon, at = void(offer=offer), datetime(2026, 5, 20, tzinfo=UTC)
    for days in range(3):
        refuse(coupon, south, at + timedelta(days=days))
    refuse(coupon, north, at, EXPIRED)
    refuse(void(), north, at)
    assert list(offer_reports.report(offer=offer).refused) == [
        Refused(south.pk, south.code, "South", VOID, 3),
        Refused(north.pk, north.code, "North", EXPIRED, 1),
    ]


def test_report_reads_only_its_offer():
    """By the index, among as many rows as a chain makes in a year."""
    offers, stores = OfferFactory.create_batch(30), StoreFactory.create_batch(10)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO rewards_refusaltally (offer_id, store_id, day, reason, times)"
            " SELECT offer, store, day, reason, 1 FROM unnest(%s::bigint[]) offer, unnest(%s::bigint[]) store,"
            " generate_series(date '2025-06-01', '2026-05-31', interval '1 day') day,"
            " unnest(ARRAY['coupon_void', 'coupon_expired']) reason",
            [[offer.pk for offer in offers], [store.pk for store in stores]],
        )
        cursor.execute("ANALYZE rewards_refusaltally")
        sql = (offer_reports._SQL / "offer_reports_refused.sql").read_text(encoding="utf-8")
        cursor.execute(f"EXPLAIN {sql}", {"offer": offers[0].pk})
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "refusal_tally_once_per_key" in plan
    assert "Seq Scan on rewards_refusaltally" not in plan
    assert sum(one.times for one in offer_reports.report(offer=offers[0]).refused) == 10 * 365 * 2


def test_a_quote_counts_nothing(now, store):
    told_basket = basket(1000, customer=CustomerFactory(), now=now, coupons=[void().code])
    quoted = checkout.quote(purchase=told_basket, store=store, by=SYSTEM, at=now)
    assert [refusal.code for refusal in quoted.refusals.values()] == [VOID]
    assert told() == set()
