import pytest

from customers.models import Customer
from rewards.domain.redeemers import histories, selection
from tests.factories.customers import CustomerFactory
from tests.rewards.domain.redeemers.shop import DAY, NOW, drinker, learned_shop

pytestmark = pytest.mark.django_db


def test_those_come_first_who_are_as_those_who_used_theirs(monkeypatch):
    monkeypatch.setattr(histories, "ENOUGH", 8)
    offer, tea = learned_shop(8)
    others = CustomerFactory.create_batch(12)
    drinkers = {drinker(tea, at=NOW - 10 * DAY).pk for _ in range(3)}
    asked = [*(customer.pk for customer in others), *drinkers]
    told = {"customers": asked, "offer": offer.pk, "at": NOW}
    assert set(selection.likeliest(number=3, seed=1, **told)) == drinkers
    assert set(selection.likeliest(number=5, seed=1, **told)) > drinkers
    assert sorted(selection.likeliest(number=99, seed=1, **told)) == sorted(asked)
    equals = [set(selection.likeliest(number=5, seed=seed, **told)) - drinkers for seed in range(5)]
    assert len({frozenset(some) for some in equals}) > 1


def test_lot_decides_where_too_little_is_known(monkeypatch):
    monkeypatch.setattr(histories, "ENOUGH", 9)
    offer, tea = learned_shop(8)
    assert not histories.is_enough(histories.past(at=NOW))
    drinkers = {drinker(tea, at=NOW - 10 * DAY).pk for _ in range(3)}
    told = {"customers": sorted(Customer.objects.values_list("pk", flat=True)), "offer": offer.pk, "at": NOW}
    drawn = [frozenset(selection.likeliest(number=3, seed=seed, **told)) for seed in range(5)]
    assert drawn[0] == frozenset(selection.likeliest(number=3, seed=0, **told))
    assert len(set(drawn)) > 1
    assert drinkers not in drawn
