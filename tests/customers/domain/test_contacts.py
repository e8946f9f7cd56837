from datetime import timedelta

import pytest

from customers.domain import contacts
from customers.models import Contact
from tests.factories.customers import CustomerFactory
from tests.races import crowd

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def take(customer, number, at, limit=2, days=7):
    return contacts.reserve(customer=customer, reference=f"test:{number}", limit=limit, days=days, at=at)


def test_places_are_taken_until_none_is_left_and_come_back_with_time(now):
    mei, other = CustomerFactory(), CustomerFactory()
    assert [take(mei, 1, now), take(mei, 2, now + DAY), take(mei, 3, now + 2 * DAY)] == [True, True, False]
    assert take(other, 4, now)
    assert contacts.free_from(customer=mei, limit=2, days=7, at=now + 2 * DAY) == now + 7 * DAY
    assert not take(mei, 3, now + 7 * DAY - timedelta(seconds=1))
    assert take(mei, 3, now + 7 * DAY)


def test_place_of_a_mail_that_did_not_leave_is_free_again_and_the_same_mail_takes_one(now):
    mei = CustomerFactory()
    assert [take(mei, 1, now, limit=1), take(mei, 1, now, limit=1), take(mei, 2, now, limit=1)] == [True, True, False]
    contacts.give_back(reference="test:1")
    assert take(mei, 2, now, limit=1)


def test_without_a_limit_all_are_written_down(now):
    mei = CustomerFactory()
    assert all(take(mei, number, now, limit=None) for number in range(5))
    assert Contact.objects.count() == 5


def eight_take(way, now, rounds):
    """Eight who want the two places of one customer, round after round."""
    with crowd(8) as people:
        for number in range(rounds):
            mei = CustomerFactory()
            calls = [lambda n=n, mei=mei, number=number: way(mei, f"{number}/{n}", now) for n in range(8)]
            assert sorted(people.at_once(calls)) == [False] * 6 + [True] * 2
            assert Contact.objects.filter(customer=mei).count() == 2


def looks_then_writes(customer, number, at):
    """How it must not be done: by the time it is written, others have counted the same."""
    if Contact.objects.filter(customer=customer, sent_at__gt=at - 7 * DAY, sent_at__lte=at).count() >= 2:
        return False
    Contact.objects.create(customer=customer, reference=f"test:{number}", sent_at=at)
    return True


@pytest.mark.django_db(transaction=True)
def test_last_place_is_taken_once_by_eight_at_once(now):
    eight_take(take, now, rounds=5)


@pytest.mark.django_db(transaction=True)
def test_control_the_same_finds_who_looks_before_they_write(now):
    with pytest.raises(AssertionError):
        eight_take(looks_then_writes, now, rounds=50)


def take_each(places, at, limit=2):
    return contacts.reserve_each(
        references={f"test:{number}": customer.pk for number, customer in places.items()}, limit=limit, days=7, at=at
    )


def test_several_at_once_get_the_places_that_are_left(now):
    mei, other = CustomerFactory(), CustomerFactory()
    take(mei, 1, now)
    assert take_each({2: mei, 3: other, 4: mei, 5: other, 6: other}, now) == {"test:2", "test:3", "test:5"}
    assert take_each({2: mei, 4: mei}, now + DAY) == {"test:2"}
    assert take_each({4: mei}, now + 7 * DAY) == {"test:4"}
    assert take_each({7: mei, 8: mei, 9: mei}, now, limit=None) == {"test:7", "test:8", "test:9"}
    assert take_each({}, now) == set()


def eight_take_for_two(now, rounds):
    with crowd(8) as people:
        for number in range(rounds):
            pair = CustomerFactory(), CustomerFactory()
            wanted = [{f"{number}/{n}a": pair[n % 2], f"{number}/{n}b": pair[1 - n % 2]} for n in range(8)]
            answers = people.at_once([lambda places=places: take_each(places, now) for places in wanted])
            assert all(isinstance(answer, set) for answer in answers)
            assert sum(map(len, answers)) == Contact.objects.filter(customer__in=pair).count() == 4


@pytest.mark.django_db(transaction=True)
def test_eight_who_take_for_the_same_two_neither_pass_the_limit_nor_wait_in_a_circle(now):
    eight_take_for_two(now, rounds=5)


@pytest.mark.django_db(transaction=True)
def test_control_the_same_finds_who_takes_without_the_lock(now, monkeypatch):
    monkeypatch.setattr(contacts, "_LOCK", "SELECT id FROM unnest(%s::bigint[]) AS id")
    with pytest.raises(AssertionError):
        eight_take_for_two(now, rounds=50)
