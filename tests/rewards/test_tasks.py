from datetime import timedelta

import pytest
import time_machine

from customers.domain import audit
from customers.models import Customer, Purpose
from loyalty_site.celery import app
from loyalty_site.lib import actors
from rewards import tasks
from rewards.models import ExpiryPolicy, PointsNotice, StaffAlert, TierChange
from tests.factories.customers import ConsentFactory, CustomerFactory, UserFactory
from tests.factories.rewards import CouponFactory, ProgramFactory, TierFactory
from tests.rewards.domain.steps import account, award


@pytest.mark.django_db
def test_expire_points_goes_on_until_all_are_booked(now, monkeypatch):
    ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1)
    customers = CustomerFactory.create_batch(5)
    for customer in customers:
        award(customer, 10, now)
    monkeypatch.setattr(tasks, "LOTS_AT_ONCE", 2)
    with time_machine.travel(now + timedelta(days=80)):
        tasks.expire_points(option_of_an_older_release=1)
    assert [account(customer) for customer in customers] == [(0, 0, 2)] * 5


@pytest.mark.django_db
def test_review_tiers_goes_on_until_all_are_decided_and_gives_new_tiers(now, monkeypatch):
    ProgramFactory(tier_months=1, tier_grace_days=0)
    customers = CustomerFactory.create_batch(5)
    for customer in customers:
        award(customer, 150, now, "purchase:1")
    monkeypatch.setattr(tasks, "CUSTOMERS_AT_ONCE", 2)
    with time_machine.travel(now):
        tasks.review_tiers()
        assert not TierChange.objects.exists()
        TierFactory(rank=1, threshold=100)
        tasks.review_tiers(option_of_an_older_release=1)
        assert list(TierChange.objects.values_list("why", flat=True)) == ["REACHED"] * 5
    with time_machine.travel(now + timedelta(days=40)):
        tasks.review_tiers()
    assert list(TierChange.objects.order_by("pk").values_list("why", flat=True)[5:]) == ["NOT_KEPT"] * 5


@pytest.mark.django_db
def test_notices_are_prepared_sent_and_given_up_by_the_timetable(now, mail_server):
    ProgramFactory(expiry_policy=ExpiryPolicy.ROLLING, expiry_months=1)
    mei, ann = CustomerFactory.create_batch(2)
    for customer in (mei, ann):
        ConsentFactory(customer=customer, purpose=Purpose.MARKETING_EMAIL)
        award(customer, 10, now)
    with time_machine.travel(now + timedelta(days=30), tick=False) as clock:
        tasks.prepare_notices(option_of_an_older_release=1)
        PointsNotice.objects.filter(customer=ann).update(state="SENDING", points=10, claimed_at=now)
        tasks.send_notices(option_of_an_older_release=1)
        clock.shift(timedelta(hours=1))
        tasks.send_notices()
    assert mail_server.recipients == [mei.email]
    assert dict(PointsNotice.objects.values_list("customer", "state")) == {mei.pk: "ACCEPTED", ann.pk: "UNCERTAIN"}


@pytest.mark.django_db
def test_alerts_are_looked_for_by_the_timetable(now):
    anna, mei = UserFactory(password=None), CustomerFactory()
    coupon = CouponFactory(customer=mei)
    audit.record(actor=actors.user(anna.pk), action="coupon.issued", subject=f"coupon:{coupon.pk}", at=now)
    Customer.objects.update(email=anna.email)
    with time_machine.travel(now):
        tasks.note_alerts(option_of_an_older_release=1)
    assert [(alert.kind, alert.customer) for alert in StaffAlert.objects.all()] == [("OWN_COUPON", mei)]


def test_timetable_knows_the_tasks():
    planned = {row["task"] for row in app.conf.beat_schedule.values()}
    own = (tasks.expire_points, tasks.note_alerts, tasks.prepare_notices, tasks.send_notices, tasks.run_import)
    assert {task.name for task in own} <= planned
