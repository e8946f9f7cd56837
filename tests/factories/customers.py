"""Customers, stores and purchases, with nothing that a test did not ask for."""

from datetime import UTC, date, datetime
from decimal import Decimal

import factory
from factory.django import DjangoModelFactory

from customers.models import (
    Card,
    Category,
    Consent,
    Customer,
    Product,
    Purchase,
    PurchaseLine,
    PurchaseSource,
    Purpose,
    RfmGroup,
    Rhythm,
    Segment,
    SegmentMember,
    Store,
    User,
)
from loyalty_site.lib import codes

AT = datetime(2026, 1, 1, tzinfo=UTC)


class StoreFactory(DjangoModelFactory):
    class Meta:
        model = Store

    code = factory.Sequence(lambda n: f"S{n}")
    name = factory.Sequence(lambda n: f"Store {n}")
    currency = "CNY"


class CategoryFactory(DjangoModelFactory):
    class Meta:
        model = Category

    code = factory.Sequence(lambda n: f"CATEGORY {n}")
    name = factory.Sequence(lambda n: f"Category {n}")


class ProductFactory(DjangoModelFactory):
    class Meta:
        model = Product

    sku = factory.Sequence(lambda n: f"{4000 + n}")
    name = factory.Sequence(lambda n: f"Product {n}")


class CustomerFactory(DjangoModelFactory):
    class Meta:
        model = Customer

    number = factory.LazyFunction(lambda: codes.generate(length=Customer.NUMBER_LENGTH))
    name = factory.Sequence(lambda n: f"Customer {n}")
    email = factory.Sequence(lambda n: f"customer{n}@example.org")
    enrolled_at = AT


class CardFactory(DjangoModelFactory):
    class Meta:
        model = Card

    customer = factory.SubFactory(CustomerFactory)
    number = factory.Sequence(lambda n: f"card-{n}")
    added_at = AT


class ConsentFactory(DjangoModelFactory):
    class Meta:
        model = Consent

    customer = factory.SubFactory(CustomerFactory)
    purpose = Purpose.SURVEY_EMAIL
    granted_at = AT
    granted_by = "system"


class SegmentFactory(DjangoModelFactory):
    class Meta:
        model = Segment

    name = factory.Sequence(lambda n: f"Segment {n}")


class SegmentMemberFactory(DjangoModelFactory):
    class Meta:
        model = SegmentMember

    segment = factory.SubFactory(SegmentFactory)
    customer = factory.SubFactory(CustomerFactory)
    since = AT


class RhythmFactory(DjangoModelFactory):
    """Bought once, yesterday as seen from `AT`."""

    class Meta:
        model = Rhythm

    customer = factory.SubFactory(CustomerFactory)
    first_on = last_on = date(2026, 1, 1)
    days = year_days = 1
    year_spend_minor = 1000
    currency = "CNY"
    recency = frequency = monetary = volume = 3
    group = RfmGroup.NEED_ATTENTION


class PurchaseFactory(DjangoModelFactory):
    """Without lines and worth nothing unless told: `total_minor` and `PurchaseLineFactory` are up to the test."""

    class Meta:
        model = Purchase

    store = factory.SubFactory(StoreFactory)
    receipt_number = factory.Sequence(lambda n: f"R-{n}")
    source = PurchaseSource.TILL
    purchased_at = AT
    recorded_at = factory.SelfAttribute("purchased_at")
    recorded_by = "system"
    currency = "CNY"
    total_minor = 0
    discount_minor = 0
    points_value_minor = 0
    paid_minor = factory.LazyAttribute(lambda own: own.total_minor - own.discount_minor - own.points_value_minor)


class PurchaseLineFactory(DjangoModelFactory):
    class Meta:
        model = PurchaseLine

    purchase = factory.SubFactory(PurchaseFactory)
    position = factory.LazyAttribute(lambda own: own.purchase.lines.count() + 1)
    product = factory.SubFactory(ProductFactory)
    quantity = Decimal(1)
    amount_minor = 0


class UserFactory(DjangoModelFactory):
    """A member of staff without rights; `is_superuser=True` may do everything."""

    class Meta:
        model = User

    email = factory.Sequence(lambda n: f"staff{n}@example.org")
    password = factory.django.Password("correct horse battery staple")
    is_staff = True
