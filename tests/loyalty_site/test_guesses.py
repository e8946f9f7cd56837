"""Codes are tried by strangers, tills and staff: https://github.com/HiEventsDev/Hi.Events/issues/1080,
https://github.com/Setono/SyliusGiftCardPlugin/issues/297, https://github.com/liberusoftware/ecommerce-laravel/pull/1046
"""

import os
import random
import re
import sys
from datetime import timedelta
from functools import partial

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from customers.domain import attempts
from customers.models import AttemptCount
from loyalty_site import roles
from loyalty_site.lib import actors, code_sets, codes
from loyalty_site.lib.actors import SYSTEM
from rewards.domain import code_batches, coupons, wallets
from rewards.models import Coupon, CouponHold, CouponState
from tests.factories.customers import CustomerFactory, StoreFactory, UserFactory
from tests.factories.rewards import BaseRuleFactory, CouponFactory, OfferFactory, ProgramFactory
from tests.loyalty_site.api.calling import basket, caller
from tests.races import at_once, crowd
from tests.sessions import signed_in

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
GENERIC = "This code cannot be added. Please read it again; a code for everybody is told at the till."


@pytest.fixture(autouse=True)
def _programme(db, now, time_machine):
    ProgramFactory()
    time_machine.move_to(now, tick=False)


@pytest.fixture
def mia():
    return CustomerFactory(name="Mia")


@pytest.fixture
def client(mia):
    return signed_in(mia)


def add(client, code, **headers):
    return client.post(reverse("portal:coupons"), {"code": code}, headers=headers)


# --- a customer's page


def test_a_bearers_code_goes_into_the_wallet_once(client, mia):
    coupon = CouponFactory()
    answer = add(client, coupon.display_code.lower())
    assert (answer.status_code, answer.url) == (302, reverse("portal:coupons"))
    coupon.refresh_from_db()
    assert coupon.customer == mia
    assert f"“{coupon.offer}” is yours now." in client.get(answer.url).text
    assert add(client, coupon.code).status_code == 302
    assert not AttemptCount.objects.filter(failures__gt=0).exists()


def codes_that_are_refused(now):
    past, withdrawn = OfferFactory(valid_to=now - HOUR), OfferFactory(withdrawn_at=now - HOUR)
    held = CouponFactory()
    CouponHold.objects.create(coupon=held, actor="till:1", held_at=now, expires_at=now + HOUR)
    coupons = [
        CouponFactory(state=CouponState.VOID),
        CouponFactory(state=CouponState.REDEEMED, uses_count=1),
        CouponFactory(expires_at=now),
        CouponFactory(customer=CustomerFactory()),
        CouponFactory(code="SUMMER", is_public=True, uses_max=None),
        CouponFactory(uses_max=5, uses_count=1),
        CouponFactory(offer=past),
        CouponFactory(offer=withdrawn),
        CouponFactory(offer=OfferFactory(published_at=None)),
        held,
    ]
    return [codes.generate(length=12), "22222222222", "\0", *(coupon.code for coupon in coupons)]


def test_all_refusals_are_the_same_to_the_last_letter(now):
    pages = set()
    client = signed_in(CustomerFactory(name="Mia"))
    for code in codes_that_are_refused(now):
        if code != "\0":  # no text for a form
            pages.add(_plain(add(client, code)))
            AttemptCount.objects.all().delete()
    assert len(pages) == 1, pages
    assert GENERIC in pages.pop()


def _plain(answer):
    """Without what the visitor sent, and the token against forged requests."""
    assert answer.status_code == 200
    return re.sub(r'value="[^"]*"', "", answer.text)


def test_all_refusals_take_the_same_statements(now, mia):
    wallets.take(customer=mia, text=CouponFactory().code, at=now)  # makes the account
    statements = set()
    for code in codes_that_are_refused(now):
        with CaptureQueriesContext(connection) as done, pytest.raises(wallets.CodeNotTaken):
            wallets.take(customer=mia, text=code, at=now)
        statements.add(len(done))
    assert len(statements) == 1


@pytest.mark.django_db(transaction=True)
def test_a_code_has_one_taker(now):
    coupon, people = CouponFactory(), CustomerFactory.create_batch(6)
    answers = at_once(*[partial(wallets.take, customer=person, text=coupon.code, at=now) for person in people])
    assert sum(answer == coupon for answer in answers) == 1
    assert sum(isinstance(answer, wallets.CodeNotTaken) for answer in answers) == 5


def test_after_ten_failures_a_customer_waits(client, now):
    for number in range(10):
        assert add(client, "22222222222").status_code == 200, number
        AttemptCount.objects.filter(key__startswith="address").delete()
    good = CouponFactory()
    answer = add(client, good.code)
    assert (answer.status_code, answer["Retry-After"]) == (429, "1800")
    good.refresh_from_db()
    assert good.customer is None


def test_a_network_address_waits_after_five(now):
    statuses = [add(signed_in(CustomerFactory()), "22222222222").status_code for _number in range(7)]
    assert statuses == [200] * 5 + [429] * 2


# --- tills


def test_a_till_gets_exact_reasons_and_then_waits(now):
    till, good = caller(), CouponFactory()
    void = CouponFactory(state=CouponState.VOID)
    assert till.post(f"coupons/{void.code}/check").json()["code"] == "coupon_void"
    for _number in range(30):
        assert till.post("coupons/22222222222/check").json()["code"] == "coupon_mistyped"
    answer = till.post("coupons/22222222222/check")
    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (429, "too_many_attempts", "1800")
    assert answer["Content-Type"] == "application/problem+json"
    for call, body in (
        (f"coupons/{good.code}/check", None),
        (f"coupons/{good.code}/redeem", None),
        ("quotes", {"currency": "CNY", "lines": basket()["lines"], "coupons": [good.code]}),
        ("purchases", basket(coupons=[good.code])),
    ):
        assert till.post(call, body).status_code == 429, call
    assert till.post("purchases", basket()).status_code == 201
    assert caller(name="Till 2", store=till.till.store).post(f"coupons/{good.code}/check").json()["usable"]


def test_each_code_of_a_basket_counts(now):
    till = caller()
    body = {"currency": "CNY", "lines": basket()["lines"], "coupons": [f"2222222222{n}" for n in "AB"]}
    statuses = [till.post("quotes", body).status_code for _number in range(16)]
    assert statuses == [200] * 15 + [429]
    other = caller(name="Till 2", store=till.till.store)
    assert other.post("purchases", basket(coupons=["22222222222"])).json()["code"] == "coupon_mistyped"
    assert AttemptCount.objects.get(key__startswith=f"till:{other.till.pk}/").failures == 1


def test_an_answer_that_was_not_told_is_not_told_by_asking_again(now):
    till = caller()
    limit = attempts.of_counter(by=SYSTEM)[0]
    for number in range(30):
        till.post("coupons/22222222222/check", key=f"same-{number}")
    assert limit.failures == attempts.STAFF_PER_HOUR
    assert till.post("coupons/22222222222/check", key="same-3").status_code == 429


@pytest.mark.django_db(transaction=True)
def test_a_storm_at_one_till_is_told_as_much_as_one_after_another(now):
    till = caller()
    calls = [partial(till.post, f"coupons/{codes.generate(length=12)}/check") for _number in range(48)]
    statuses = [answer.status_code for answer in at_once(*calls)]
    assert (statuses.count(200), statuses.count(429)) == (30, 18)


# --- the till page


@pytest.fixture
def cashier(now):
    BaseRuleFactory()
    roles.sync()
    store, user = StoreFactory(), UserFactory(password=None)
    user.groups.add(Group.objects.get(name=roles.CASHIER))
    user.stores.set([store])
    client = Client()
    client.force_login(user)
    client.user = user
    return client


def used_up(who, failures, now):
    start = attempts.Limit("", 1, HOUR).start(now)
    told = {"failures": failures, "failures_max": failures, "turned_away": 7}
    AttemptCount.objects.create(key=f"{who}/3600", window_start=start, window_end=start + HOUR, **told)


def test_the_till_page_counts_and_waits(cashier, now):
    key = f"user:{cashier.user.pk}"
    assert cashier.get("/till/coupons/22222222222/").status_code == 404
    assert cashier.get("/till/", {"q": "222222222222"}).status_code == 200
    assert cashier.get("/till/", {"q": "Mia"}).status_code == 200
    assert AttemptCount.objects.get().failures == 2
    AttemptCount.objects.all().delete()
    used_up(key, 300, now)
    for address in (f"/till/coupons/{CouponFactory().code}/", "/till/?q=222222222222"):
        answer = cashier.get(address)
        assert answer.status_code == 429
        assert "Too many codes were tried" in answer.text
    assert cashier.get("/till/", {"q": "Mia"}).status_code == 200


# --- the manager


def test_the_first_page_says_who_and_where(now, cashier):
    owner = UserFactory(password=None)
    owner.groups.add(Group.objects.get(name=roles.STORE_MANAGER))
    client = Client()
    client.force_login(owner)
    till = caller(store=StoreFactory(name="Market Street"))
    used_up(f"till:{till.till.pk}", 30, now)
    used_up("address:203.0.113.9", 5, now)
    text = client.get(reverse("admin:index")).text
    assert "Wrong coupon codes, till Till 1 (Market Street): 30 tried" in text
    assert "Wrong coupon codes, network address 203.0.113.9: 5 tried" in text
    assert "7 more turned away" in text
    listed = client.get(reverse("admin:customers_attemptcount_changelist") + "?is=unusual")
    assert "Market Street" in listed.text


# --- a million guesses

GUESSES = int(os.environ.get("LOYALTY_GUESSES", "3000"))
LIVE = int(os.environ.get("LOYALTY_LIVE_CODES", "3000"))


GUESSERS = 4
TILLS = 50
PACE = timedelta(milliseconds=36)  # a million take ten hours, so the limits of an hour begin anew ten times


def _guess(number, text, people, now):
    """Every second one on the pages of customers, with another account and address each time; the others at one of
    TILLS stolen tills. What was judged: 1 or 0, and whether it was found."""
    at = now + number * PACE
    if number % 2:
        limits = attempts.of_counter(by=actors.till(number // 2 % TILLS + 1))
        try:
            attempts.refuse_when_used_up(limits=limits, at=at)
            coupons.find(text=text)
        except attempts.TooManyAttempts:
            return 0, 0
        except coupons.CouponRefused:
            return _counted(limits, at), 0
        return 1, 1
    address = f"10.{number % 251}.{number % 241}.9"
    limits = attempts.of_stranger(customer_id=number * 7919 % 10**6, address=address)
    try:
        with attempts.judged(limits=limits, at=at):
            wallets.take(customer=people[number // 2 % len(people)], text=text, at=at)
    except attempts.TooManyAttempts:
        return 0, 0
    except wallets.CodeNotTaken:
        return 1, 0
    return 1, 1


def _counted(limits, at):
    """A till is told only of a failure that could be counted."""
    try:
        attempts.take(limits=limits, at=at)
    except attempts.TooManyAttempts:
        return 0
    return 1


@pytest.mark.django_db(transaction=True)  # in one transaction each count would leave its row behind
def test_a_million_guesses_find_nothing(now):
    """Guessers who know the prefix and make check symbols that are right, with every account and address they want.
    All of it: LOYALTY_GUESSES=1000000 LOYALTY_LIVE_CODES=100000."""
    batch = code_batches.order(offer=OfferFactory(), count=LIVE, by=SYSTEM, at=now)
    code_batches.work(batch_id=batch.pk, clock=lambda: now)
    assert Coupon.objects.count() == LIVE
    people = CustomerFactory.create_batch(20)
    texts = [batch.code_prefix + body for body in code_sets.texts(code_sets.draw(count=GUESSES, body_length=12))]
    random.Random(1).shuffle(texts)

    def part(first):
        told = [_guess(number, texts[number], people, now) for number in range(first, GUESSES, GUESSERS)]
        return sum(judged for judged, _found in told), sum(found for _judged, found in told)

    with crowd(GUESSERS) as guessers:
        told = guessers.at_once([partial(part, first) for first in range(GUESSERS)])
    judged, found = sum(each[0] for each in told), sum(each[1] for each in told)
    by_kind = {kind: _turned_away(kind) for kind in ("customer", "address", attempts.STRANGERS)}
    sys.stdout.write(f"{GUESSES} guesses, {LIVE} live, (judged, found) of each: {told}; turned away: {by_kind}\n")
    assert (found, Coupon.objects.filter(customer__isnull=False).count()) == (0, 0)
    hours = GUESSES * PACE // HOUR + 2  # the first and the last one are parts
    assert judged <= hours * (attempts.STRANGERS_PER_HOUR + TILLS * attempts.TILL_PER_HOUR)
    assert judged >= min(GUESSES // 2, attempts.STRANGERS_PER_HOUR)


def _turned_away(kind):
    counts = AttemptCount.objects.filter(key__startswith=kind).values_list("turned_away", flat=True)
    return sum(counts)


def test_without_limits_short_codes_are_found(now):
    """The same way of guessing finds what chance says where nothing stands in its way: 31³ bodies, 300 of them live."""
    offer = OfferFactory()
    for body in code_sets.texts(code_sets.draw(count=300, body_length=4)):
        CouponFactory(offer=offer, code=body)
    found = 0
    for guess in code_sets.texts(code_sets.draw(count=3000, body_length=4)):
        try:
            coupons.find(text=guess)
        except coupons.CouponRefused:
            continue
        found += 1
    expected = 3000 * 300 / 31**3  # 30.2, standard deviation 5.2
    assert abs(found - expected) < 28
