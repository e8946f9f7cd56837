import hashlib
from functools import partial

import pytest

from customers.domain import tills
from customers.models import AuditEvent, Till, TillScope
from loyalty_site.lib import actors
from tests.factories.customers import StoreFactory
from tests.races import at_once

create = partial(tills.create, name="Till 1", scopes=[TillScope.SELL, TillScope.READ], by=actors.user(1))


@pytest.mark.django_db
def test_create_tells_a_key_and_keeps_its_hash(now):
    till, key = create(store=StoreFactory(), at=now)

    till.refresh_from_db()
    assert till.key_hash == hashlib.sha256(key.encode()).hexdigest()
    assert till.scopes == ["read", "sell"]
    assert (till.key_start, len(key)) == (key[:8], 48)
    assert key not in str(AuditEvent.objects.values_list())


@pytest.mark.django_db
def test_authenticate_finds_the_till_and_its_store_in_one_query(django_assert_num_queries, now):
    till, key = create(store=StoreFactory(), at=now)

    with django_assert_num_queries(1):
        found = tills.authenticate(key=key)
        assert (found, found.store) == (till, till.store)


@pytest.mark.django_db
def test_authenticate_refuses_what_is_no_key(now):
    till, key = create(store=StoreFactory(), at=now)

    assert [tills.authenticate(key=text) for text in ("", "till_", key[:-1], key + "x", till.key_hash)] == [None] * 5


@pytest.mark.django_db
def test_revoke_closes_the_key_once(now):
    till, key = create(store=StoreFactory(), at=now)

    for _ in range(2):
        tills.revoke(till=till, by=actors.user(2), at=now)

    assert tills.authenticate(key=key) is None
    assert list(AuditEvent.objects.values_list("action", "actor")) == [
        ("till.created", "user:1"),
        ("till.revoked", "user:2"),
    ]


@pytest.mark.django_db
def test_create_refuses_a_name_taken_in_its_store(now):
    store = StoreFactory(code="7")
    create(store=store, at=now)

    with pytest.raises(tills.TillExists) as caught:
        create(store=store, at=now)

    assert caught.value.details == {"store": "7", "name": "Till 1"}
    assert create(store=StoreFactory(), at=now)[0].name == "Till 1"


@pytest.mark.django_db(transaction=True)
def test_create_makes_one_till_when_told_at_once(now):
    store = StoreFactory()

    results = at_once(*[partial(create, store=store, at=now)] * 3)

    assert sorted(type(result).__name__ for result in results) == ["TillExists", "TillExists", "tuple"]
    assert Till.objects.count() == 1
