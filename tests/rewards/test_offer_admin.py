"""Offers in the back office: what a manager can say, and what stays said."""

from concurrent.futures import ThreadPoolExecutor, wait
from datetime import date, time
from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection

from customers.models import AuditEvent
from loyalty_site.lib import actors
from rewards.admin.offer import OfferAdmin
from rewards.admin.offer_form import OfferForm
from rewards.domain import offers
from rewards.models import Offer
from tests.factories.customers import (
    CategoryFactory,
    ProductFactory,
    SegmentFactory,
    StoreFactory,
    UserFactory,
)
from tests.factories.rewards import OfferFactory
from tests.races import crowd
from tests.rewards.test_admin import LIVE, OFFER, act, errors

pytestmark = pytest.mark.django_db
ADD = "/admin/rewards/offer/add/"


@pytest.fixture
def staff(client):
    client.member = UserFactory(is_superuser=True, password=None)
    client.force_login(client.member)
    return client


def page(offer):
    return f"/admin/rewards/offer/{offer.pk}/change/"


def test_everything_that_an_offer_can_say_is_typed(staff):
    product, category, store, segment = ProductFactory(), CategoryFactory(), StoreFactory(), SegmentFactory()
    told = {
        "products": [product.pk],
        "categories": [category.pk],
        "stores": [store.pk],
        "segment": segment.pk,
        "weekdays": ["1", "5"],
        "time_from": "08:00",
        "time_to": "10:00",
        "blackout_dates": "2026-12-24, 2026-12-25",
        "starts_after_days": "2",
        "redemptions_max": "500",
        "customer_max": "3",
        "code_max": "",
        "period": "MONTH",
        "period_max": "100",
        "customer_period_max": "1",
        "is_stackable": "on",
        "priority": "5",
    }
    staff.post(ADD, {**OFFER, **told})
    offer = Offer.objects.get()
    assert (list(offer.products.all()), list(offer.categories.all())) == ([product], [category])
    assert (list(offer.stores.all()), offer.segment) == ([store], segment)
    assert (offer.weekdays, offer.time_from, offer.time_to) == ([1, 5], time(8), time(10))
    assert offer.blackout_dates == [date(2026, 12, 24), date(2026, 12, 25)]
    assert (offer.starts_after_days, offer.redemptions_max, offer.customer_max, offer.code_max) == (2, 500, 3, None)
    assert (offer.period, offer.period_max, offer.customer_period_max) == ("MONTH", 100, 1)
    assert (offer.is_stackable, offer.priority) == (True, 5)
    assert "500 times in all" in staff.get(page(offer)).content.decode()


def test_a_period_that_is_none_is_refused_beside_its_field(staff):
    assert "period" in errors(staff.post(ADD, {**OFFER, "period": "DECADE"}))


@pytest.mark.parametrize(
    ("told", "field", "value"),
    [
        ({"kind": "FREE_PRODUCT", "amount_minor": ""}, "free_product", "product"),
        ({"kind": "MULTIPLIER", "points_multiplier": "2.5"}, "points_multiplier", Decimal("2.5")),
        ({"kind": "PERCENT", "percent": "20", "discount_max_minor": "30"}, "discount_max_minor", 3000),
        ({"kind": "GIFT", "cost_minor": "3.50", "percent": "20", "discount_max_minor": "30"}, "cost_minor", 350),
        ({"cost_minor": "3.50", "kind": "PERCENT", "percent": "20"}, "cost_minor", None),
    ],
)
def test_each_kind_keeps_its_own(staff, told, field, value):
    product = ProductFactory()
    staff.post(ADD, {**OFFER, **told, "free_product": product.pk})
    offer = Offer.objects.get()
    assert getattr(offer, field) == (product if value == "product" else value)
    assert offer.amount_minor is None


@pytest.mark.parametrize(
    ("told", "field", "said"),
    [
        ({"amount_minor": "0"}, "amount_minor", "This must be more than 0."),
        ({"kind": "GIFT"}, "cost_minor", "Say what one costs you."),
        ({"kind": "GIFT", "cost_minor": "0"}, "cost_minor", "This must be more than 0."),
        ({"kind": "PERCENT", "percent": "0"}, "percent", "This must be more than 0."),
        ({"kind": "PERCENT", "percent": "101"}, "percent", "This can be 100 at most."),
        ({"kind": "FREE_PRODUCT"}, "free_product", "Say which product."),
        ({"kind": "MULTIPLIER"}, "points_multiplier", "Say how many times the points count."),
        ({"kind": "MULTIPLIER", "points_multiplier": "1"}, "points_multiplier", "This must be more than 1."),
        (
            {"kind": "MULTIPLIER", "points_multiplier": "10.1"},
            "points_multiplier",
            "Ensure this value is less than or equal to 10.",
        ),
        ({"time_from": "08:00"}, "time_to", "Say from when until when."),
        ({"time_from": "08:00", "time_to": "08:00"}, "time_to", "The end must not be the start."),
        ({"blackout_dates": "soon"}, "blackout_dates", "Item 1 in the array did not validate: Enter a valid date."),
        ({"period": "DAY"}, "period_max", "Say how often in the period, in all or for a customer."),
        ({"customer_max": "0"}, "customer_max", "Ensure this value is greater than or equal to 1."),
        ({"code_prefix": "ü"}, "code_prefix", "Only the letters A to Z and digits."),
    ],
)
def test_what_makes_no_sense_is_said_beside_its_field(staff, told, field, said):
    answer = staff.post(ADD, {**OFFER, **told})
    assert errors(answer)[field] == [said]
    assert not Offer.objects.exists()


def test_new_offer_is_once_a_customer_unless_said_otherwise(staff):
    initial = staff.get(ADD).context["adminform"].form.initial
    assert (initial["customer_max"], initial.get("period")) == (1, None)


def test_live_offer_keeps_its_promise_and_only_limits_change(staff):
    offer = OfferFactory(amount_minor=500, redeemed_count=3, redeemed_minor=1500)
    told = {**LIVE, "min_spend_minor": "99", "weekdays": ["1"], "customer_max": "5", "redemptions_max": "3"}
    staff.post(page(offer), {**told, "budget_minor": "15"})
    offer.refresh_from_db()
    assert (offer.min_spend_minor, offer.weekdays) == (0, [])
    assert (offer.customer_max, offer.redemptions_max, offer.budget_minor) == (5, 3, 1500)
    changed = AuditEvent.objects.get(action="offer.limits_changed")
    assert changed.data == {"customer_max": 5, "redemptions_max": 3, "budget_minor": 1500}


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"redemptions_max": "2"}, "The limit cannot be lower than what was used: 3."),
        ({"budget_minor": "14.99"}, "The limit cannot be lower than what was used: ¥15.00."),
    ],
)
def test_limit_below_what_was_used_is_refused(staff, told, said):
    offer = OfferFactory(amount_minor=500, redeemed_count=3, redeemed_minor=1500)
    answer = staff.post(page(offer), {**LIVE, **told})
    assert errors(answer)[next(iter(told))] == [said]


MEANWHILE = "Somebody published this offer meanwhile, so nothing was saved. Look at it again."


def said(offer):
    """What the row and its relations say."""
    offer.refresh_from_db()
    values = {field.attname: getattr(offer, field.attname) for field in offer._meta.concrete_fields}
    return values | {"stores": list(offer.stores.all())}


def test_form_that_was_shown_before_it_was_published_saves_nothing(staff):
    offer = OfferFactory(amount_minor=500)
    before = said(offer)
    answer = staff.post(page(offer), {**OFFER, "stores": [StoreFactory().pk]})
    assert errors(answer)["__all__"] == [MEANWHILE]
    assert said(offer) == before
    staff.post(page(offer), LIVE)
    assert said(offer)["title"]["en"] == "Ten off"


def publish(offer, now):
    """By somebody else, over another connection."""
    with crowd(1) as somebody:
        assert somebody.at_once([lambda: offers.publish(offer=offer, by=actors.SYSTEM, at=now)]) == [None]


@pytest.mark.django_db(transaction=True)
def test_offer_that_is_published_while_its_draft_is_saved_stays_as_it_was(staff, now, monkeypatch):
    """After the form has read the row as a draft, before it writes."""
    offer, store = OfferFactory(amount_minor=500, published_at=None), StoreFactory()
    before = said(offer)
    clean = OfferForm.clean

    def cleaned_then_published(form):
        cleaned = clean(form)
        publish(Offer.objects.get(pk=offer.pk), now)
        return cleaned

    monkeypatch.setattr(OfferForm, "clean", cleaned_then_published)
    answer = staff.post(page(offer), {**OFFER, "stores": [store.pk]}, follow=True)
    assert MEANWHILE in answer.text
    assert said(offer) == before | {"published_at": now}
    assert not LogEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_who_publishes_waits_for_who_saves(staff, now, monkeypatch):
    """The row is locked until the form's relations are written too."""
    offer, store = OfferFactory(published_at=None), StoreFactory()
    save_related = OfferAdmin.save_related
    publishing = []

    def saved_while_somebody_publishes(*told):
        publishing.append(somebody.submit(offers.publish, offer=offer, by=actors.SYSTEM, at=now))
        wait([publishing[0]], timeout=0.5)
        assert not publishing[0].done()
        save_related(*told)

    monkeypatch.setattr(OfferAdmin, "save_related", saved_while_somebody_publishes)
    with ThreadPoolExecutor(1) as somebody:
        staff.post(page(offer), {**OFFER, "stores": [store.pk]})
        publishing[0].result(timeout=10)
        somebody.submit(lambda: connection.close()).result()
    told = said(offer)
    assert (told["title"]["en"], told["published_at"], told["stores"]) == ("Ten off", now, [store])


def test_copy_is_a_draft(staff):
    offer = OfferFactory(redeemed_count=3)
    assert staff.get(act(offer, "copy")).status_code == 200
    assert Offer.objects.count() == 1
    staff.post(act(offer, "copy"))
    draft = Offer.objects.latest("pk")
    assert (draft.published_at, draft.redeemed_count, draft.title) == (None, 0, offer.title)


def test_products_are_searched_for_and_not_listed(staff):
    chosen, *others = (ProductFactory(name=f"Sort of tea {number}") for number in range(3))
    offer = OfferFactory(published_at=None)
    offer.products.add(chosen)
    for address in (ADD, page(offer)):
        text = staff.get(address).text
        assert 'data-ajax--url="/admin/autocomplete/"' in text
        assert not [product for product in others if product.name in text]
    assert chosen.name in staff.get(page(offer)).text
