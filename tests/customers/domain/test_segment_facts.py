"""Each fact holds for whom it says, at its edges; together they are sets."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import translation

from customers.domain import rhythms, segment_terms
from customers.models import Customer, Preference, PurchaseReturn, PurchaseReturnLine, RfmGroup
from loyalty_site.segment_facts import FACTS
from rewards.models import PointsAccount, TierMembership
from surveys.models import QuestionKind, SurveyResponse
from tests.factories.customers import (
    CategoryFactory,
    ConsentFactory,
    CustomerFactory,
    ProductFactory,
    PurchaseFactory,
    PurchaseLineFactory,
    RhythmFactory,
    StoreFactory,
)
from tests.factories.rewards import TierFactory
from tests.factories.surveys import DeliveryFactory, QuestionFactory

NOW = datetime(2026, 6, 30, 12, 0, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def condition(fact, *, is_not=False, **values):
    return {"fact": fact, "is_not": is_not, "values": values}


def holds(*groups):
    terms = [list(group) for group in groups]
    segment_terms.check(terms, facts=FACTS)
    sql, parameters = segment_terms.statement(terms, facts=FACTS, at=NOW)
    chosen = {row.pk for row in Customer.objects.raw(sql, parameters)}
    assert segment_terms.count(terms, facts=FACTS, at=NOW) == len(chosen)
    return set(Customer.objects.filter(pk__in=chosen))


def buy(customer, *, days_ago=10, paid=1000, **told):
    at = NOW - timedelta(days=days_ago)
    return PurchaseFactory(customer=customer, purchased_at=at, total_minor=paid, paid_minor=paid, **told)


@pytest.fixture
def two():
    return CustomerFactory(), CustomerFactory()


def test_number_of_purchases_counts_in_its_days(two):
    often, once = two
    buy(often), buy(often, days_ago=29)
    buy(once), buy(once, days_ago=30)
    assert holds([condition("bought", times=2, days=30)]) == {often}
    assert holds([condition("bought", times=1, days=30)]) == {often, once}


def test_money_counts_without_what_came_back_and_in_its_currency(two):
    mia, leo = two
    buy(mia, paid=1000), buy(mia, paid=500)
    purchase = buy(leo, paid=1500)
    buy(leo, paid=9000, currency="EUR")
    assert holds([condition("spent", amount=1500, currency="CNY", days=365)]) == {mia, leo}
    line = PurchaseLineFactory(purchase=purchase, amount_minor=1500)
    back = PurchaseReturn.objects.create(
        purchase=purchase, store=purchase.store, return_number="B", returned_at=NOW, recorded_at=NOW
    )
    PurchaseReturnLine.objects.create(purchase_return=back, line=line, quantity=Decimal(1), amount_minor=1)
    assert holds([condition("spent", amount=1500, currency="CNY", days=365)]) == {mia}


def test_spent_takes_of_what_came_back_the_share_that_was_paid(two):
    """Half of a purchase of 100.00, of which 20.00 were paid, the rest with a coupon."""
    mia, leo = two
    purchase = PurchaseFactory(
        customer=mia,
        currency="CNY",
        total_minor=10_000,
        discount_minor=8_000,
        paid_minor=2_000,
        purchased_at=NOW - timedelta(days=5),
        recorded_at=NOW,
    )
    line = PurchaseLineFactory(purchase=purchase, amount_minor=10_000)
    back = PurchaseReturn.objects.create(
        purchase=purchase, store=purchase.store, return_number="B", returned_at=NOW, recorded_at=NOW
    )
    PurchaseReturnLine.objects.create(purchase_return=back, line=line, quantity=Decimal("0.5"), amount_minor=5_000)
    rhythms.refresh(at=NOW)
    assert mia.rhythm.year_spend_minor == 1_000
    assert holds([condition("spent", amount=1_000, currency="CNY", days=365)]) == {mia}
    assert holds([condition("spent", amount=1_001, currency="CNY", days=365)]) == set()


def test_silent_is_who_bought_before_and_not_since(two):
    quiet, active = two
    CustomerFactory()  # never bought
    buy(quiet, days_ago=60), buy(active, days_ago=60), buy(active, days_ago=59)
    assert holds([condition("silent", days=60)]) == {quiet}


def test_category_counts_with_those_below_it(two):
    mia, leo = two
    tea = CategoryFactory()
    green = CategoryFactory(parent=tea)
    PurchaseLineFactory(purchase=buy(mia), product=ProductFactory(category=green))
    PurchaseLineFactory(purchase=buy(leo), product=ProductFactory(category=CategoryFactory()))
    assert holds([condition("category", category=tea.pk, days=90)]) == {mia}
    assert holds([condition("category", category=green.pk, days=9)]) == set()


def test_stores_of_purchases_and_home(two):
    mia, leo = two
    store = StoreFactory()
    buy(mia, store=store), buy(leo)
    Customer.objects.filter(pk=leo.pk).update(home_store=store)
    assert holds([condition("store", store=store.pk, days=90)]) == {mia}
    assert holds([condition("home", store=store.pk)]) == {leo}


def test_who_the_person_is(two):
    mia, leo = two
    Customer.objects.filter(pk=mia.pk).update(
        birthday=date(1990, 2, 28), enrolled_at=NOW - timedelta(days=5), language="zh-hans"
    )
    Customer.objects.filter(pk=leo.pk).update(birthday=None, enrolled_at=NOW - timedelta(days=31), language="en")
    assert holds([condition("birthday", month=2)]) == {mia}
    assert holds([condition("joined", days=30)]) == {mia}
    assert holds([condition("language", language="en")]) == {leo}


def test_preferences_consents_and_groups(two):
    mia, leo = two
    tea = CategoryFactory()
    Preference.objects.create(customer=mia, category=tea, stated_at=NOW)
    ConsentFactory(customer=mia), ConsentFactory(customer=leo, withdrawn_at=NOW, withdrawn_by="system")
    purpose = mia.consents.get().purpose
    RhythmFactory(customer=leo, group=RfmGroup.NEED_ATTENTION)
    assert holds([condition("likes", category=tea.pk)]) == {mia}
    assert holds([condition("allows", purpose=purpose)]) == {mia}
    assert holds([condition("rfm", group="NEED_ATTENTION")]) == {leo}


def test_boxes_must_all_hold_and_of_their_lines_one_is_enough(two):
    mia, leo = two
    zoe = CustomerFactory(language="zh-hans")
    for customer, times in ((mia, 1), (leo, 3), (zoe, 3)):
        for _ in range(times):
            buy(customer)
    often, english = condition("bought", times=3, days=90), condition("language", language="en")
    assert holds([often], [english]) == {leo}
    assert holds([often, english]) == {mia, leo, zoe}
    assert holds([condition("bought", times=3, days=90, is_not=True)], [english]) == {mia}


def test_who_left_is_in_none():
    gone = CustomerFactory(closed_at=NOW)
    buy(gone)
    assert holds([condition("bought", times=1, days=90)]) == set()
    assert holds([condition("bought", times=9, days=90, is_not=True)]) == set()


def test_points_and_tiers(two):
    mia, leo = two
    for customer, balance in ((mia, 100), (leo, 101)):
        PointsAccount.objects.update_or_create(customer=customer, defaults={"balance": balance})
    gold = TierFactory()
    dates = {"counts_from": NOW.date(), "keep_until": NOW.date()}
    TierMembership.objects.create(customer=leo, tier=gold, since=NOW, **dates)
    assert holds([condition("points", least=50, most=100)]) == {mia}
    assert holds([condition("tier", tier=gold.pk)]) == {leo}


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        [],
        [[]],
        {"fact": "bought"},
        [[{"fact": "nothing", "is_not": False, "values": {}}]],
        [[{"fact": "bought", "is_not": False, "values": {"times": 1}}]],
        [[{"fact": "bought", "is_not": False, "values": {"times": "1; DROP TABLE x", "days": 3}}]],
        [[{"fact": "bought", "is_not": False, "values": {"times": True, "days": 3}}]],
        [[{"fact": "bought", "is_not": "no", "values": {"times": 1, "days": 3}}]],
        [[{"fact": "bought", "is_not": False, "values": {"times": 1, "days": 10**9}}]],
        [[{"fact": "home", "is_not": False, "values": {"store": -1}}]],
        [[{"fact": "spent", "is_not": False, "values": {"amount": 5, "days": 3}}]],
        [[{"fact": "rfm", "is_not": False, "values": {"group": "' OR true --"}}]],
        [[condition("bought", times=1, days=1)] * 11],
    ],
)
def test_terms_that_are_none_are_refused(wrong):
    with pytest.raises(segment_terms.TermsInvalid):
        segment_terms.check(wrong, facts=FACTS)


def _first(one):
    choices = one.choices() if one.choices else []
    return choices[0][0] if choices else one.initial


def test_every_fact_answers_and_says_itself():
    """With its first choices and initial values, as the form shows it."""
    StoreFactory(), CategoryFactory()
    for key, fact in FACTS.items():
        values = {one.name: _first(one) for one in fact.inputs}
        if None in values.values():
            continue  # nothing to choose yet
        values |= {"currency": "CNY"}
        assert holds([{"fact": key, "is_not": False, "values": values}]) == set()
        said = segment_terms.sentence({"fact": key, "is_not": True, "values": values}, facts=FACTS)
        assert said.startswith("not: ")
        assert "%(" not in said


def test_sentences_name_rows_and_money_and_what_is_gone():
    store = StoreFactory(name="Garden")
    with translation.override("en"):
        said = segment_terms.in_words(
            [[condition("home", store=store.pk), condition("home", store=0, is_not=True)],
             [condition("spent", amount=123_450, currency="CNY", days=365)]],
            facts=FACTS,
        )  # fmt: skip
    assert said == [
        ["has Garden as home store", "not: has (deleted) as home store"],
        ["spent at least ¥1,234.50 in the last 365 days"],
    ]


def test_a_fact_that_is_no_longer_there_is_said():
    assert segment_terms.sentence(condition("former"), facts=FACTS) == "a filter that is no longer there"


def test_latest_score_counts(two):
    mia, leo = two
    question = QuestionFactory(kind=QuestionKind.NPS)
    for customer, scores in ((mia, (9, 3)), (leo, (3, 9))):
        for number, days_ago in zip(scores, (20, 10), strict=True):
            response = SurveyResponse.objects.create(
                survey=question.survey,
                customer=customer,
                delivery=DeliveryFactory(campaign__survey=question.survey, customer=customer),
                submitted_at=NOW - timedelta(days=days_ago),
            )
            response.answers.create(question=question, number=number)
    told = {"scale": "NPS", "least": 0, "most": 6}
    assert holds([condition("score", **told, days=365)]) == {mia}
    assert holds([condition("score", **told, days=5)]) == set()
    assert holds([condition("answered", survey=question.survey_id, days=15)]) == {mia, leo}
