"""Stores, categories and customers of the demo, in sets."""

from collections.abc import Iterable, Mapping
from datetime import timedelta

from django.db import transaction

from customers.models import Card, Category, Consent, Customer, Preference, Purpose, Store
from loyalty_site.demo import journey, people, wording
from loyalty_site.demo.journey import Habits
from loyalty_site.demo.people import Person
from loyalty_site.lib import actors

# What people say they like: categories that most households buy.
LIKED = ["TROPICAL FRUIT", "CHEESE", "COFFEE", "BAKED BREAD/BUNS/ROLLS", "YOGURT", "ICE CREAM/MILK/SHERBTS", "BERRIES"]


def make_stores(wanted: Iterable[int]) -> None:
    """Those of the data's stores that `wanted` names, by their visits; again and again changes nothing."""
    here = set(wanted)
    Store.objects.bulk_create(
        [
            Store(code=str(store), name=people.store_name(rank), timezone=str(journey.ZONE), currency=journey.CURRENCY)
            for rank, store in enumerate(journey.stores())
            if store in here
        ],
        ignore_conflicts=True,
    )


def make_categories() -> None:
    codes = sorted(journey.products()["category"].unique().to_pylist())
    made = [Category(code=code, name=wording.category(code)) for code in codes]
    Category.objects.bulk_create(made, ignore_conflicts=True)


@transaction.atomic
def enroll(persons: Iterable[Person], habits: Mapping[int, Habits]) -> int:
    """Enrolls who is not yet, with a card that the import finds them by. Returns how many are new."""
    wanted = {person.card: person for person in persons}
    known = set(Card.objects.filter(number__in=wanted).values_list("number", flat=True))
    new = [person for card, person in wanted.items() if card not in known]
    stores = Store.objects.in_bulk({str(habits[person.household].home_store) for person in new}, field_name="code")
    made = Customer.objects.bulk_create(
        Customer(
            number=person.number,
            name=person.name,
            email=person.email,
            phone=person.phone,
            birthday=person.birthday,
            language=person.language,
            home_store=stores[str(habits[person.household].home_store)],
            enrolled_at=habits[person.household].first_at - timedelta(hours=1),
        )
        for person in new
    )
    members = list(zip(new, made, strict=True))
    Card.objects.bulk_create(
        Card(customer=customer, number=number, added_at=customer.enrolled_at)
        for person, customer in members
        for number in person.cards
    )
    Consent.objects.bulk_create(
        Consent(customer=customer, purpose=purpose, granted_at=customer.enrolled_at, granted_by=str(actors.SYSTEM))
        for person, customer in members
        for purpose in _purposes(person)
    )
    categories = list(Category.objects.filter(code__in=LIKED).order_by("code"))
    Preference.objects.bulk_create(
        Preference(
            customer=customer,
            category=categories[(person.household + n) % len(categories)],
            stated_at=customer.enrolled_at,
        )
        for person, customer in members
        for n in range(person.likes)
    )
    return len(members)


def demo_customer() -> Customer:
    """Whom the direct sign-in is for."""
    return Customer.objects.get(cards__number=people.DEMO_CARD)


def _purposes(person: Person) -> list[Purpose]:
    allowed = [(Purpose.SURVEY_EMAIL, person.allows_surveys), (Purpose.MARKETING_EMAIL, person.allows_marketing)]
    return [purpose for purpose, is_allowed in allowed if is_allowed]
