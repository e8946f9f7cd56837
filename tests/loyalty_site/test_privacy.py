"""Leaving and being forgotten, through all apps."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core import serializers
from django.db import transaction

from customers.domain.customers import CustomerClosed, CustomerMerged
from customers.domain.purchases import ReturnLineIn
from customers.models import Customer, IdempotentCall, Purpose, Till
from loyalty_site import privacy
from loyalty_site.lib import actors
from rewards.domain import checkout, import_lock, ledger, merges, points, redemptions
from rewards.domain.checkout import ReturnIn
from rewards.models import HoldState, MailState, PointsEntry, PointsNotice
from surveys.domain import closing, responses
from surveys.models import Answer, Delivery, DeliveryState, QuestionKind
from tests.architecture.test_models import MODELS
from tests.factories.customers import CardFactory, ConsentFactory, CustomerFactory, StoreFactory
from tests.factories.rewards import BaseRuleFactory, RewardFactory
from tests.factories.surveys import DeliveryFactory, QuestionFactory
from tests.races import at_once
from tests.rewards.domain.baskets import basket
from tests.rewards.domain.steps import account, award, redeem

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
STAFF = actors.user(7)


@pytest.fixture
def mei():
    """Whose words are all in the hands of nobody else: `Mei`, `mei@…`, `8613…`, `card-mei`."""
    mei = CustomerFactory(name="Mei Lin", email="mei.lin@example.org", phone="+8613812345678")
    CardFactory(customer=mei, number="card-mei")
    return mei


@pytest.fixture
def delivery(mei):
    """Of a survey with a scale and a free text, sent to Mei."""
    delivery = DeliveryFactory(customer=mei, state=DeliveryState.REJECTED, smtp_reply="550 <mei.lin@example.org> full")
    QuestionFactory(survey=delivery.campaign.survey)
    QuestionFactory(survey=delivery.campaign.survey, kind=QuestionKind.TEXT)
    return delivery


def answer(delivery, at):
    scale, text = delivery.campaign.survey.questions.order_by("position")
    told = {scale.pk: 9, text.pk: "Mei Lin was here"}
    by = actors.customer(delivery.customer_id)
    return responses.submit(delivery=delivery, answers=told, language="en", by=by, at=at)


def everything():
    """All rows of our own, as text."""
    return "".join(serializers.serialize("json", model._default_manager.all()) for model in MODELS)


def test_who_left_books_nothing_new_and_keeps_what_was(mei, now):
    award(mei, 100, now)
    held = points.hold(customer=mei, points=40, ttl=DAY, reference="hold", by=STAFF, at=now)
    waiting = redemptions.request(
        customer=mei, reward=RewardFactory(cost_points=10), quantity=1, reference="web:1", by=STAFF, at=now
    )
    privacy.close(customer=mei, by=STAFF, at=now)
    held.refresh_from_db()
    assert held.state == HoldState.RELEASED
    for verb in (award, redeem):
        with pytest.raises(CustomerClosed), transaction.atomic():
            verb(mei, 1, now, "late")
    redemptions.cancel(redemption=waiting, by=STAFF, at=now)
    assert account(mei)[:2] == (100, 0)
    assert list(ledger.differences()) == []


def test_a_sale_to_who_left_is_refused_and_a_return_is_taken(mei, now):
    BaseRuleFactory()
    store = StoreFactory()
    told = basket(5_000, customer=mei, now=now)
    sold = checkout.settle(purchase=told, store=store, till=None, by=STAFF, at=now)
    privacy.close(customer=mei, by=STAFF, at=now)
    gone = Customer.objects.get(pk=mei.pk)
    late = basket(5_000, customer=gone, now=now, receipt="R-2")
    with pytest.raises(CustomerClosed), transaction.atomic():
        checkout.settle(purchase=late, store=store, till=None, by=STAFF, at=now)
    assert checkout.settle(purchase=told, store=store, till=None, by=STAFF, at=now).purchase == sold.purchase
    told_back = ReturnIn("B-1", now, [ReturnLineIn(1, Decimal(1), 5_000)])
    back = checkout.take_back(purchase=sold.purchase, told=told_back, store=store, till=None, by=STAFF, at=now)
    assert back.clawed_back.points == -50


def test_closing_and_erasing_wait_for_imports(mei, now, transactional_db):
    with import_lock.one_at_a_time():
        results = at_once(
            lambda: privacy.close(customer=mei, by=STAFF, at=now), lambda: privacy.erase(customer=mei, by=STAFF, at=now)
        )
    assert [type(result) for result in results] == [import_lock.ImportRunning] * 2


def test_erasing_leaves_no_word_of_the_person_anywhere(mei, delivery, now):
    ConsentFactory(customer=mei, purpose=Purpose.SURVEY_EMAIL)
    award(mei, 100, now)
    answer(delivery, now)
    till = Till.objects.create(store=StoreFactory(), name="Till 1", key_hash="0" * 64, key_start="till_000", scopes=[])
    told = json.dumps({"number": mei.display_number, "name": mei.name})
    call = {"fingerprint": b"", "status": 201, "created_at": mei.enrolled_at}
    for key, body in (("mei", told), ("other", "{}")):
        IdempotentCall.objects.create(till=till, key=key, body=body, **call)
    refused = {"state": MailState.REJECTED, "smtp_reply": "550 <mei.lin@example.org> full"}
    PointsNotice.objects.create(customer=mei, last_day=now.date(), touch=7, not_before=now, settled_at=now, **refused)
    assert "Mei Lin was here" in everything()
    privacy.erase(customer=mei, by=STAFF, at=now)
    rest = everything()
    assert [word for word in ("Mei", "mei.lin", "8613812345678", "card-mei") if word in rest] == []
    assert list(IdempotentCall.objects.values_list("key", flat=True)) == ["other"]
    assert list(Answer.objects.values_list("number", "text")) == [(9, "")]
    assert account(mei)[:2] == (100, 0)
    assert list(ledger.differences()) == []


def test_erasing_either_of_a_merged_pair_erases_both(mei, delivery, now):
    for target_too in (False, True):
        old = CustomerFactory(name="Mei Old", email="mei.old@example.org") if target_too else mei
        kept = CustomerFactory(name="Mei Kept", email=f"mei.kept{target_too}@example.org")
        merges.merge(source=old, target=kept, reason="Mei told us", by=STAFF, at=now)
        privacy.erase(customer=kept if target_too else Customer.objects.get(pk=old.pk), by=STAFF, at=now)
    assert Customer.objects.filter(erased_at=now).count() == 4
    assert "Mei" not in everything()
    assert list(ledger.differences()) == []


def test_erasing_twice_changes_nothing(mei, now):
    privacy.erase(customer=mei, by=STAFF, at=now)
    before = json.loads(serializers.serialize("json", Customer.objects.all()))
    privacy.erase(customer=mei, by=STAFF, at=now + DAY)
    assert json.loads(serializers.serialize("json", Customer.objects.all())) == before


def test_a_merged_customer_is_not_closed_apart(mei, now):
    merges.merge(source=mei, target=CustomerFactory(), reason="", by=STAFF, at=now)
    with pytest.raises(CustomerMerged):
        privacy.close(customer=mei, by=STAFF, at=now)


def test_an_answer_to_a_mail_from_before_a_merge_is_the_targets(mei, delivery, now):
    kept = CustomerFactory()
    type(delivery.campaign.survey).objects.update(reward_points=20)
    merges.merge(source=mei, target=kept, reason="", by=STAFF, at=now)
    given = answer(Delivery.objects.select_related("campaign__survey", "customer").get(), now)
    assert (given.customer, given.points_entry.customer_id, account(kept)[0]) == (kept, kept.pk, 20)


def test_who_left_answers_no_survey(mei, delivery, now):
    stale = Delivery.objects.select_related("campaign__survey", "customer").get()
    privacy.close(customer=mei, by=STAFF, at=now)
    for told in (stale, Delivery.objects.select_related("campaign__survey", "customer").get()):
        with pytest.raises(responses.SurveyClosed), transaction.atomic():
            answer(told, now)
    assert not PointsEntry.objects.exists()


def test_words_of_others_stay(mei, delivery, now):
    answer(delivery, now)
    closing.erase(customer_ids=[CustomerFactory().pk])
    assert Answer.objects.filter(text="Mei Lin was here").exists()


@pytest.mark.django_db(transaction=True)
def test_nobody_is_forgotten_by_half_who_is_merged_at_that_moment(now):
    for n in range(10):
        one = CustomerFactory(name="Mei Lin", email=f"mei.lin{n}@example.org")
        kept = CustomerFactory(name="Mei Kept", email="", phone=f"+86138{n:08}")
        merged, erased = at_once(
            lambda a=one, b=kept: merges.merge(source=a, target=b, reason="", by=STAFF, at=now),
            lambda a=one: privacy.erase(customer=a, by=STAFF, at=now),
        )
        assert erased is None
        assert Customer.objects.get(pk=one.pk).erased_at == now
        is_one_person = not isinstance(merged, CustomerClosed)
        assert (Customer.objects.get(pk=kept.pk).erased_at == now) == is_one_person
    assert "mei.lin" not in everything()


@pytest.mark.django_db(transaction=True)
def test_who_answers_while_being_forgotten_leaves_no_words_and_waits_for_nobody_in_a_ring(now):
    for _ in range(10):
        sent = DeliveryFactory(state=DeliveryState.ACCEPTED, smtp_reply="250 ok")
        QuestionFactory(survey=sent.campaign.survey)
        QuestionFactory(survey=sent.campaign.survey, kind=QuestionKind.TEXT)
        given, erased = at_once(
            lambda d=sent: answer(d, now), lambda d=sent: privacy.erase(customer=d.customer, by=STAFF, at=now)
        )
        assert (type(given).__name__ in {"SurveyResponse", "SurveyClosed"}, erased) == (True, None)
    assert not Answer.objects.exclude(text="").exists()
