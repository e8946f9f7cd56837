"""Terms are kept from purchase to purchase, and never longer than they are true."""

from datetime import timedelta

import pytest
from django.db import connection, transaction

from customers.domain.purchases import LineIn
from rewards.domain import checkout, rules
from rewards.domain.checkout import facts
from rewards.models import EarningRule, Program, Tier
from tests.factories.customers import AT, ProductFactory
from tests.factories.rewards import ProgramFactory, SurpriseRuleFactory
from tests.races import at_once
from tests.rewards.domain.baskets import basket

DAY = timedelta(days=1)


@pytest.fixture
def read(store, customer, now):
    def read(receipt="R-1"):
        return facts.read(purchase=basket(4000, customer=customer, now=now, receipt=receipt), store=store)

    return read


@pytest.mark.django_db
def test_terms_are_read_once_while_nobody_changes_them(read, django_assert_num_queries):
    first = read().terms
    with django_assert_num_queries(1):
        assert read("R-2").terms is first


@pytest.mark.django_db
def test_every_change_is_seen_by_the_next_purchase_even_twice_in_one_transaction(read):
    program = ProgramFactory(point_value_minor=1)
    seen = [read().terms]
    for value in (2, 3):
        Program.objects.filter(pk=program.pk).update(point_value_minor=value)
        seen.append(read().terms)
    EarningRule.objects.update(points=7)
    seen.append(read().terms)
    EarningRule.objects.all().delete()
    seen.append(read().terms)
    Tier.objects.create(code="silver", rank=1, name={"en": "Silver"}, threshold=100)
    seen.append(read().terms)
    assert [terms.program.point_value_minor for terms in seen] == [1, 2, 3, 3, 3, 3]
    assert [[rule.points for rule in terms.rules] for terms in seen] == [[1], [1], [1], [7], [], []]
    assert [terms.has_tiers for terms in seen] == [False] * 5 + [True]
    assert len({terms.version for terms in seen}) == 6


@pytest.mark.django_db
def test_change_that_is_rolled_back_leaves_nothing(read):
    before = read().terms.version
    with transaction.atomic():
        EarningRule.objects.update(points=7)
        assert [rule.points for rule in read().terms.rules] == [7]
        transaction.set_rollback(True)
    assert (read().terms.version, [rule.points for rule in read().terms.rules]) == (before, [1])


@pytest.mark.django_db(transaction=True)
def test_rule_that_another_process_changed_counts_at_once(settle, customer, now):
    """`at_once` has a connection of its own, as another process has; what is kept is known to ours alone."""
    first = settle(basket(4000, customer=customer, now=now, receipt="R-1"))
    at_once(lambda: EarningRule.objects.update(points=3))
    assert [first.entry.points, settle(basket(4000, customer=customer, now=now, receipt="R-2")).entry.points] == [
        40,
        120,
    ]


@pytest.mark.django_db
def test_rules_that_were_read_before_count_as_those_that_are_read_now(read, now):
    EarningRule.objects.update(valid_to=now + DAY)
    EarningRule.objects.create(
        code="base", version=2, name="Base", kind="BASE", points=2, per_minor=100, valid_from=now + DAY
    )
    kept = read().terms.rules
    for at in (now - timedelta(days=4000), now, now + DAY - timedelta(microseconds=1), now + DAY, now + 2 * DAY):
        asked = {"at": at, "currency": "CNY", "earns_on_tax": True}
        assert rules.effective_of(versions=kept, **asked) == rules.effective(**asked)


@pytest.mark.django_db
def test_facts_say_what_is_known(read, store, customer, now):
    milk = ProductFactory(sku="MILK")
    told = checkout.PurchaseIn("R-1", customer, now, "CNY", [LineIn("MILK", "", "", 1, 1), LineIn("NEW", "", "", 1, 1)])
    found = facts.read(purchase=told, store=store)
    assert (found.is_told, found.may_surprise) == (False, False)
    assert found.products == {"MILK": (milk.pk, milk.category_id)}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("values", "may_surprise"),
    [
        ({"threshold_minor": 3999}, True),
        ({"threshold_minor": 4000}, False),
        ({"threshold_minor": None, "trigger": "NTH_VISIT", "visit_number": 5}, True),
        ({"threshold_minor": 1, "at_till": False}, False),
        ({"threshold_minor": 1, "activated_at": None, "activated_by": ""}, False),
        ({"threshold_minor": 1, "ended_at": AT}, False),
        ({"threshold_minor": 1, "active_to": AT + timedelta(days=1)}, False),
    ],
)
def test_facts_say_whether_a_surprise_could_fit(read, values, may_surprise):
    SurpriseRuleFactory(**values)
    assert read().may_surprise == may_surprise


@pytest.mark.django_db
def test_facts_know_a_receipt_that_was_told(read, settle, customer, now):
    settle(basket(4000, customer=customer, now=now, receipt="R-1"))
    assert (read("R-1").is_told, read("R-2").is_told) == (True, False)
    assert connection.in_atomic_block
