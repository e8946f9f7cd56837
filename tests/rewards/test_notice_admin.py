"""Doubtful lapse notices, decided by a person."""

from datetime import UTC, date, datetime

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse

from customers.models import AuditEvent
from loyalty_site import roles
from loyalty_site.lib import actors
from rewards.domain import mail_queue, notices
from rewards.models import MailState, PointsNotice
from tests.factories.customers import CustomerFactory, UserFactory

pytestmark = pytest.mark.django_db
AT = datetime(2026, 5, 20, tzinfo=UTC)


@pytest.fixture
def staff(client):
    client.member = UserFactory(is_superuser=True, password=None)
    client.force_login(client.member)
    return client


@pytest.fixture
def doubtful():
    return PointsNotice.objects.create(
        customer=CustomerFactory(),
        last_day=date(2026, 6, 30),
        touch=30,
        state=MailState.UNCERTAIN,
        points=12,
        attempts=1,
        not_before=AT,
        settled_at=AT,
    )


def url(notice, name):
    return reverse(f"admin:rewards_pointsnotice_{name}", args=[notice.pk])


@pytest.mark.parametrize(
    ("name", "state", "action"),
    [
        ("send_again", MailState.PENDING, "mail.sent_again"),
        ("assume_delivered", MailState.ACCEPTED, "mail.assumed_delivered"),
    ],
)
def test_doubtful_notice_is_decided_once_and_says_by_whom(staff, doubtful, name, state, action):
    assert url(doubtful, name) in staff.get(url(doubtful, "change")).text
    assert staff.get(url(doubtful, name)).status_code == 200
    assert PointsNotice.objects.get().state == MailState.UNCERTAIN

    assert staff.post(url(doubtful, name)).status_code == 302

    decided = PointsNotice.objects.get()
    event = AuditEvent.objects.get(subject=f"points-notice:{doubtful.pk}")
    assert (decided.state, event.action, event.actor) == (state, action, str(actors.user(staff.member.pk)))
    moment = decided.not_before if state == MailState.PENDING else decided.settled_at
    assert event.happened_at == moment > AT
    assert (decided.settled_at is None) == (state == MailState.PENDING)
    assert url(doubtful, name) not in staff.get(url(doubtful, "change")).text
    assert staff.post(url(doubtful, name)).status_code != 302
    assert AuditEvent.objects.filter(subject=f"points-notice:{doubtful.pk}").count() == 1


@pytest.mark.parametrize("state", [MailState.PENDING, MailState.ACCEPTED, MailState.REJECTED])
@pytest.mark.parametrize("decide", [mail_queue.send_again, mail_queue.assume_delivered])
def test_what_is_certain_is_not_decided(doubtful, decide, state):
    PointsNotice.objects.update(state=state)
    with pytest.raises(mail_queue.MailNotUncertain):
        decide(queue=notices.QUEUE, mail=doubtful, by=actors.user(7), at=AT)
    assert PointsNotice.objects.get().state == state


def test_only_who_may_change_notices_decides(client, doubtful):
    assert "rewards.change_pointsnotice" in roles.permissions_of(roles.MARKETING)
    assert "rewards.change_pointsnotice" not in roles.permissions_of(roles.AUDITOR)
    roles.sync()
    member = UserFactory(password=None)
    member.groups.add(Group.objects.get(name=roles.AUDITOR))
    client.force_login(member)
    assert client.post(url(doubtful, "send_again")).status_code in (403, 404)
    assert PointsNotice.objects.get().state == MailState.UNCERTAIN
