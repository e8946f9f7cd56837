"""Codes by the thousand."""

import os
import signal
from collections import Counter
from datetime import timedelta
from multiprocessing import get_context

import pytest
from django.db import IntegrityError, connection

from customers.models import AuditEvent
from loyalty_site.lib import code_sets, codes
from loyalty_site.lib.actors import SYSTEM
from rewards.domain import code_batches, coupons
from rewards.domain.offers import OfferNotLive, OfferWithdrawn
from rewards.models import BatchState, CodeBatch, Coupon, CouponState, OfferKind
from tests.factories.rewards import CouponFactory, OfferFactory, ProgramFactory
from tests.races import at_once, forget_connections

pytestmark = pytest.mark.django_db


@pytest.fixture
def offer(db):
    ProgramFactory()
    return OfferFactory(code_prefix="MOON")


@pytest.fixture
def order(offer, now):
    def order(count=100, **told):
        return code_batches.order(**{"offer": offer, "count": count, "by": SYSTEM, "at": now, **told})

    return order


def work(batch, now, **told):
    code_batches.work(batch_id=batch.pk, clock=lambda: now, **told)
    batch.refresh_from_db()


def test_codes_are_made_as_if_each_had_been_issued(offer, order, now):
    offer.code_max = 3
    offer.save()
    batch = order()
    work(batch, now, chunk=30)
    assert (batch.state, batch.made_count, batch.finished_at) == (BatchState.DONE, 100, now)
    made = list(batch.coupons.order_by("pk"))
    assert len({coupon.code for coupon in made}) == 100
    assert [coupon.reference for coupon in made][::99] == [f"batch:{batch.pk}:00000001", f"batch:{batch.pk}:00000100"]
    one = coupons.find(text=made[7].display_code.lower())
    assert one == made[7]
    assert one.code.startswith("MOON")
    assert codes.is_well_formed(one.code[4:])
    issued = coupons.issue(offer=offer, customer=None, reference="x", by=SYSTEM, at=now)
    same = ("offer_id", "customer_id", "is_public", "state", "uses_max", "uses_count", "issued_at", "starts_at")
    for name in (*same, "expires_at"):
        assert getattr(one, name) == getattr(issued, name), name
    assert list(AuditEvent.objects.values_list("action", "subject")) == [
        ("code_batch.ordered", f"codebatch:{batch.pk}")
    ]


def test_a_prefix_length_and_period_of_its_own(order, now):
    ends = now + timedelta(days=3)
    batch = order(code_prefix="fair", body_length=16, valid_from=now, valid_to=ends)
    work(batch, now)
    coupon = batch.coupons.first()
    assert (coupon.code[:4], len(coupon.code), coupon.starts_at, coupon.expires_at) == ("FAIR", 20, now, ends)
    assert coupon.display_code == f"FAIR-{'-'.join(coupon.code[4 + n : 8 + n] for n in range(0, 16, 4))}"


@pytest.mark.parametrize(
    ("told", "error"),
    [
        ({"count": 0}, code_batches.BatchSizeRefused),
        ({"count": 10_000_001}, code_batches.BatchSizeRefused),
        ({"code_prefix": "TOOLONGPREFIX"}, code_batches.CodeShapeRefused),
        ({"code_prefix": "M-1"}, code_batches.CodeShapeRefused),
        ({"body_length": 7}, code_batches.CodeShapeRefused),
        ({"body_length": 25}, code_batches.CodeShapeRefused),
        ({"body_length": 11}, code_batches.CodesTooShort),
    ],
)
def test_what_is_not_sensible_is_refused(order, told, error):
    with pytest.raises(error):
        order(**told)
    assert not CodeBatch.objects.exists()


def test_a_time_that_is_over_is_refused(order, now):
    with pytest.raises(code_batches.BatchPeriodRefused):
        order(valid_to=now)
    with pytest.raises(code_batches.BatchPeriodRefused):
        order(valid_from=now + timedelta(days=2), valid_to=now + timedelta(days=1))


def test_offers_that_give_nothing_any_more_make_no_codes(order, now):
    with pytest.raises(OfferNotLive):
        order(offer=OfferFactory(published_at=None))
    with pytest.raises(OfferWithdrawn):
        order(offer=OfferFactory(withdrawn_at=now))


def test_codes_of_an_offer_that_opens_later_are_made_ahead(order, now):
    batch = order(offer=OfferFactory(valid_from=now + timedelta(days=60), coupon_days=10))
    assert now + timedelta(days=70) < batch.valid_to < now + timedelta(days=72)


def test_gifts_take_shorter_codes_as_long_as_nobody_finds_one(order):
    gift = OfferFactory(kind=OfferKind.GIFT, amount_minor=None)
    assert order(offer=gift, count=100, body_length=9).pk
    with pytest.raises(code_batches.CodesTooEasy):
        order(offer=gift, count=1_000_000, body_length=9)


@pytest.mark.django_db(transaction=True)
def test_codes_that_are_ordered_count_before_they_are_made(order, now):
    gift = OfferFactory(kind=OfferKind.GIFT, amount_minor=None)
    most = next(n for n in range(1000, 10**6, 1000) if code_batches.years_to_find(body_length=9, live=n) < 10) - 1000
    found = at_once(*[lambda: order(offer=gift, count=most * 2 // 3, body_length=9)] * 4)
    assert Counter(type(one) for one in found) == {CodeBatch: 1, code_batches.CodesTooEasy: 3}
    batch = CodeBatch.objects.get()
    work(batch, now, chunk=4000)
    assert code_batches.live_codes(offer=gift) == batch.count


def test_codes_that_exist_are_drawn_again(order, offer, now, monkeypatch):
    drawn = code_sets.draw(count=100, body_length=12)
    bodies = code_sets.texts(drawn)
    for body in bodies[:30]:
        CouponFactory(code=f"MOON{body}")
    monkeypatch.setattr(code_sets, "draw", lambda **told: drawn)
    batch = order()
    work(batch, now)
    made = set(batch.coupons.values_list("code", flat=True))
    assert (len(made), batch.made_count) == (100, 100)
    assert {f"MOON{body}" for body in bodies[30:]} < made


def test_a_failure_keeps_what_was_made_and_is_tried_again(order, now, monkeypatch):
    batch, copied = order(), code_batches._copy

    def fails_in_the_third(*told):
        if Coupon.objects.count() == 40:
            raise IntegrityError("the disk is full")
        copied(*told)

    with monkeypatch.context() as patch:
        patch.setattr(code_batches, "_copy", fails_in_the_third)
        work(batch, now, chunk=20)
    assert (batch.state, batch.made_count, batch.coupons.count()) == (BatchState.FAILED, 40, 40)
    code_batches.resume(batch=batch, by=SYSTEM, at=now)
    work(batch, now, chunk=20)
    assert (batch.state, batch.coupons.count(), batch.error) == (BatchState.DONE, 100, "")
    with pytest.raises(code_batches.BatchDecided):
        code_batches.resume(batch=batch, by=SYSTEM, at=now)


def test_cancelling_keeps_what_was_made(order, now):
    batch = order()
    code_batches._make_chunk(batch.pk, 30, lambda: now)
    with pytest.raises(code_batches.BatchDecided):
        code_batches.void_codes(batch=batch, reason="stolen", by=SYSTEM, at=now)
    code_batches.cancel(batch=batch, by=SYSTEM, at=now)
    work(batch, now)
    assert (batch.state, batch.made_count) == (BatchState.CANCELLED, 30)
    assert batch.coupons.filter(state=CouponState.ISSUED).count() == 30
    with pytest.raises(code_batches.BatchDecided):
        code_batches.cancel(batch=batch, by=SYSTEM, at=now)
    assert code_batches.void_codes(batch=batch, reason="stolen", by=SYSTEM, at=now) == 30
    assert code_batches.void_codes(batch=batch, reason="stolen", by=SYSTEM, at=now) == 0


def test_what_waits_or_was_left_is_due(order, now):
    waiting, left, done = order(), order(), order()
    code_batches._make_chunk(left.pk, 1, lambda: now)
    work(done, now)
    assert code_batches.due() == [waiting.pk, left.pk]


@pytest.mark.django_db(transaction=True)
def test_workers_at_the_same_batch_make_it_once(order, now):
    batch = order(count=2000)
    at_once(*[lambda: code_batches.work(batch_id=batch.pk, clock=lambda: now, chunk=50)] * 6)
    work(batch, now, chunk=50)
    assert (batch.state, batch.made_count, batch.coupons.count()) == (BatchState.DONE, 2000, 2000)


@pytest.mark.django_db(transaction=True)
def test_a_killed_worker_loses_its_chunk_and_the_next_goes_on(order, now):
    batch = order(count=200)
    connection.close()
    process = get_context("fork").Process(target=_work_until_killed, args=(batch.pk, now))
    process.start()
    process.join(timeout=60)
    assert process.exitcode == -9
    batch.refresh_from_db()
    assert (batch.made_count, batch.coupons.count()) == (100, 100)
    work(batch, now, chunk=50)
    assert (batch.state, batch.coupons.count()) == (BatchState.DONE, 200)


def _work_until_killed(batch_id, now):
    """In the third chunk, after its codes were stored and before that was committed."""
    forget_connections()
    stored = code_batches._store

    def store(batch, number):
        stored(batch, number)
        if batch.made_count == 100:
            os.kill(os.getpid(), signal.SIGKILL)

    code_batches._store = store
    code_batches.work(batch_id=batch_id, clock=lambda: now, chunk=50)
