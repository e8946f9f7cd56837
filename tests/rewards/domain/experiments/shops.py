"""What customers of an experiment bought, for the tests of its report and of its costs."""

from datetime import timedelta

from customers.models import Customer, Purchase
from rewards.domain.statistics import Moments
from rewards.models import Assignment
from tests import fuzz
from tests.factories.customers import CustomerFactory, PurchaseFactory

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
MANY = 100_000 if fuzz.FUZZ_STEPS else 10_000


def put(experiment, arm, at, customer=None):
    """In an arm of the test's choice."""
    customer = customer or CustomerFactory()
    Assignment.objects.create(experiment=experiment, customer=customer, arm=arm, assigned_at=at, occasion="test:1")
    return customer


def buy(customer, at, minor, **values):
    return PurchaseFactory(customer=customer, purchased_at=at, total_minor=minor, **values)


def moments(*values):
    return Moments(len(values), sum(values), sum(v**2 for v in values), sum(v**3 for v in values))


def fill(experiment, arm, number, came, at):
    """So many customers, of whom so many come back once and spend 10.00."""
    rows = [Customer(number=f"{arm[0]}{n:07}", name=f"{arm} {n}", enrolled_at=at) for n in range(number)]
    people = Customer.objects.bulk_create(rows)
    Assignment.objects.bulk_create(
        Assignment(experiment=experiment, customer=one, arm=arm, assigned_at=at, occasion="test:1") for one in people
    )
    like = PurchaseFactory.build(total_minor=1_000, store=PurchaseFactory().store)
    kept = {field.name: getattr(like, field.name) for field in Purchase._meta.concrete_fields if field.name != "id"}
    Purchase.objects.bulk_create(
        Purchase(**{**kept, "customer": one, "purchased_at": at + DAY, "receipt_number": f"{arm}-{n}"})
        for n, one in enumerate(people[:came])
    )
