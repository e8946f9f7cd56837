from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.core import mail
from django.db import IntegrityError

from customers.domain import consents, suppressions
from customers.models import AddressReason, Customer, Purpose
from loyalty_site.lib import actors, mail_replies
from rewards.domain import letters, mail_queue, notice_mails, notices, points
from rewards.models import MailState, PointsNotice, Program
from tests.factories.customers import ConsentFactory, CustomerFactory, StoreFactory
from tests.factories.rewards import ProgramFactory
from tests.plugins.smtp import DROP, HANG
from tests.races import at_once
from tests.rewards.domain.steps import award, redeem

pytestmark = pytest.mark.django_db
DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)

# Points of May lapse after a month, at the end of June: the last moment in Shanghai is 16:00 of June 30 in UTC.
MAY = datetime(2026, 5, 10, 4, tzinfo=UTC)
LAST_DAY = date(2026, 6, 30)


def shanghai(month, day, hour=12, minute=0, second=0):
    return datetime(2026, month, day, hour, minute, second, tzinfo=UTC) - 8 * HOUR


@pytest.fixture(autouse=True)
def program(db):
    return ProgramFactory(name="Green Basket", timezone="Asia/Shanghai", expiry_policy="ROLLING", expiry_months=1)


@pytest.fixture
def willing():
    """Makes a customer who allows offers and news, with points of May."""

    def make(number=1200, **fields):
        customer = CustomerFactory(**fields)
        ConsentFactory(customer=customer, purpose=Purpose.MARKETING_EMAIL)
        if number:
            award(customer, number, MAY)
        return customer

    return make


@pytest.fixture
def send(mail_server):
    def send(at):
        mailer = mail.get_connection()
        return mail_queue.send_due(
            queue=notices.QUEUE, mailer=mailer, clock=lambda: at, until=at + timedelta(seconds=60)
        )

    return send


def rows():
    fields = ("customer__name", "last_day", "touch", "state", "reason")
    return list(PointsNotice.objects.order_by("pk").values_list(*fields))


@pytest.mark.parametrize(
    ("at", "touch"),
    [
        (shanghai(5, 30, 23, 59, 59), None),
        (shanghai(5, 31, 0), 30),
        (shanghai(6, 22, 23, 59, 59), 30),
        (shanghai(6, 23, 0), 7),
        (shanghai(6, 30, 23, 59, 59), 7),
        (shanghai(7, 1, 0), None),
    ],
)
def test_touch_follows_the_programmes_calendar(willing, at, touch):
    willing(name="Mei")
    made = notices.prepare(at=at)
    assert rows() == ([("Mei", LAST_DAY, touch, "PENDING", "")] if touch else [])
    assert made == len(rows())


def test_each_is_made_once_however_often_it_is_looked(willing):
    willing(name="Mei")
    at = shanghai(5, 31)
    assert [notices.prepare(at=at + n * DAY) for n in range(35)] == [1] + [0] * 22 + [1] + [0] * 11
    assert [row[2] for row in rows()] == [30, 7]


def test_points_that_came_late_are_told_once_by_the_nearer_touch(willing):
    mei = willing(0)
    Program.objects.update(expiry_policy="FIXED", expiry_days="06-30", expiry_months=0)
    award(mei, 50, shanghai(6, 26))
    notices.prepare(at=shanghai(6, 27))
    assert [row[1:3] for row in rows()] == [(LAST_DAY, 7)]


def test_who_may_not_be_written_to_gets_no_row(willing, now):
    willing(email="", phone="+8613812345678")
    Customer.objects.filter(pk=willing().pk).update(closed_at=now)
    consents.withdraw(customer=willing(), purpose=Purpose.MARKETING_EMAIL, by=actors.SYSTEM, at=now)
    asked_only_for_surveys = CustomerFactory()
    ConsentFactory(customer=asked_only_for_surveys, purpose=Purpose.SURVEY_EMAIL)
    award(asked_only_for_surveys, 10, MAY)
    redeem(willing(name="Nothing left"), 1200, MAY)
    Program.objects.update(expiry_policy="NEVER")
    award(willing(0), 10, MAY)
    assert notices.prepare(at=shanghai(6, 1)) == 0


def test_nobody_is_woken_at_night(willing, send, mail_server):
    willing()
    notices.prepare(at=shanghai(6, 1, 2))
    assert send(shanghai(6, 1, 8, 59, 59)) == 0
    assert send(shanghai(6, 1, 9)) == 1


def test_mail_says_how_many_and_until_when(willing, send, mail_server, settings):
    settings.BASE_URL = "https://club.example.org"
    mei = willing(name="Mei", email="mei@example.org")
    award(mei, 30, MAY + DAY)
    award(mei, 5000, shanghai(6, 5))  # lapses a month later
    notices.prepare(at=shanghai(6, 10))
    assert send(shanghai(6, 10)) == 1
    ((address, message),) = mail_server.taken
    assert (address, message["Subject"]) == ("mei@example.org", "Use 1,230 points by June 30, 2026")
    notice = PointsNotice.objects.get()
    assert message["Message-ID"].startswith(f"<points-notice-{notice.pk}.")
    assert message["Auto-Submitted"] == "auto-generated"
    unsubscribe = f"https://club.example.org/news/{letters.token_for(mei)}/unsubscribe/"
    assert message["List-Unsubscribe"].strip() == f"<{unsubscribe}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    for kind in ("plain", "html"):
        text = message.get_body((kind,)).get_content()
        assert "1,230 points of yours lapse when June 30, 2026 ends." in text
        assert unsubscribe in text
        assert "https://club.example.org/rewards/" in text
    assert (notice.state, notice.points, notice.attempts) == ("ACCEPTED", 1230, 1)
    assert (notice.settled_at, notice.claimed_at) == (shanghai(6, 10), None)
    assert notice.smtp_reply.startswith("250")


def test_mail_speaks_the_customers_language(willing, send, mail_server):
    willing(language="zh-hans")
    notices.prepare(at=shanghai(6, 10))
    send(shanghai(6, 10))
    assert "2026年6月30日" in mail_server.taken[0][1]["Subject"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda mei, at: redeem(mei, 1200, at), "NOTHING_LEFT"),
        (
            lambda mei, at: points.hold(customer=mei, points=1200, reference="h", ttl=DAY, by=actors.SYSTEM, at=at),
            "NOTHING_LEFT",
        ),
        (
            lambda mei, at: consents.withdraw(customer=mei, purpose=Purpose.MARKETING_EMAIL, by=actors.SYSTEM, at=at),
            "NO_CONSENT",
        ),
        (lambda mei, at: Customer.objects.filter(pk=mei.pk).update(closed_at=at), "CLOSED"),
        (lambda mei, at: Customer.objects.filter(pk=mei.pk).update(email="", phone="+8613812345678"), "NO_EMAIL"),
        (
            lambda mei, at: suppressions.suppress(
                address=mei.email, reason=AddressReason.HARD_BOUNCE, by=actors.SYSTEM, at=at
            ),
            "SUPPRESSED_ADDRESS",
        ),
    ],
    ids=["spent", "held", "consent", "closed", "address", "bounced"],
)
def test_everything_is_asked_again_before_it_leaves(willing, send, mail_server, change, reason):
    mei, at = willing(name="Mei"), shanghai(6, 10)
    notices.prepare(at=at)
    change(mei, at)
    assert send(at + HOUR) == 0
    assert rows() == [("Mei", LAST_DAY, 30, "SUPPRESSED", reason)]
    assert mail_server.taken == []


def test_amount_is_what_is_left_when_it_leaves(willing, send, mail_server):
    mei, at = willing(), shanghai(6, 10)
    notices.prepare(at=at)
    redeem(mei, 1000, at)
    send(at)
    assert mail_server.taken[0][1]["Subject"] == "Use 200 points by June 30, 2026"


def test_one_that_waited_too_long_leaves_the_floor_to_the_next(willing, send, mail_server):
    willing(name="Mei")
    notices.prepare(at=shanghai(6, 10))
    notices.prepare(at=shanghai(6, 23))
    assert send(shanghai(6, 23)) == 1
    assert [row[2:] for row in rows()] == [(30, "SUPPRESSED", "LATE"), (7, "ACCEPTED", "")]


def test_one_that_waited_beyond_the_lapse_is_not_sent(willing, send, mail_server):
    willing(name="Mei")
    notices.prepare(at=shanghai(6, 30))
    assert send(shanghai(7, 1, 9)) == 0
    assert rows()[0][3:] == ("SUPPRESSED", "NOTHING_LEFT")


def test_refused_for_now_is_tried_again_and_refused_for_good_is_not(willing, send, mail_server):
    slow, gone = willing(email="slow@example.org"), willing(email="gone@example.org")
    mail_server.at_recipient = {"slow@example.org": "451 later", "gone@example.org": "550 nobody"}
    at = shanghai(6, 10)
    notices.prepare(at=at)
    assert send(at) == 0
    by_customer = {row.customer_id: row for row in PointsNotice.objects.all()}
    assert (by_customer[gone.pk].state, by_customer[gone.pk].smtp_reply) == ("REJECTED", "550 nobody")
    waiting = by_customer[slow.pk]
    assert (waiting.state, waiting.attempts, waiting.claimed_at) == ("PENDING", 1, None)
    assert at < waiting.not_before <= at + timedelta(minutes=1)
    mail_server.at_recipient = {}
    assert send(at + timedelta(minutes=1)) == 1
    assert mail_server.recipients == ["slow@example.org"]
    PointsNotice.objects.filter(pk=waiting.pk).update(state="PENDING", attempts=mail_replies.MAX_ATTEMPTS - 1)
    mail_server.at_recipient = {"slow@example.org": "451 later"}
    send(at + HOUR)
    waiting.refresh_from_db()
    assert waiting.state == MailState.REJECTED


@pytest.mark.parametrize("silence", [DROP, HANG])
def test_silence_after_the_text_is_uncertain_and_never_tried_again(willing, send, mail_server, settings, silence):
    settings.EMAIL_TIMEOUT = 1
    lost, fine = willing(email="lost@example.org"), willing(email="fine@example.org")
    mail_server.at_text = {"lost@example.org": silence}
    at = shanghai(6, 10)
    notices.prepare(at=at)
    send(at)
    send(at + 5 * DAY)
    states = dict(PointsNotice.objects.values_list("customer", "state"))
    assert states == {lost.pk: "UNCERTAIN", fine.pk: "ACCEPTED"}
    assert sorted(mail_server.recipients) == ["fine@example.org", "lost@example.org"]


def test_server_that_takes_nothing_leaves_all_waiting(willing, send, mail_server):
    for _ in range(3):
        willing()
    at = shanghai(6, 10)
    notices.prepare(at=at)
    mail_server.sender_reply = "530 authenticate first"
    assert send(at) == 0
    assert set(PointsNotice.objects.values_list("state", "attempts")) == {("PENDING", 0)}
    mail_server.sender_reply = "250 OK"
    assert send(at + timedelta(minutes=4)) == 0
    assert send(at + timedelta(minutes=5)) == 3


def test_nobody_is_written_to_in_the_quiet_hours_of_their_store(willing, send):
    Program.objects.update(quiet_from=time(21), quiet_until=time(8))
    tokyo = StoreFactory(timezone="Asia/Tokyo")
    willing(home_store=tokyo), willing()
    notices.prepare(at=shanghai(6, 10))
    assert send(shanghai(6, 10, 20, 30)) == 1  # half past nine in Tokyo
    waiting = PointsNotice.objects.get(state="PENDING")
    assert (waiting.customer.home_store, waiting.not_before) == (tokyo, shanghai(6, 11, 7))
    assert send(shanghai(6, 11, 7)) == 1


def test_server_that_is_away_costs_nothing(willing, settings):
    willing()
    at = shanghai(6, 10)
    notices.prepare(at=at)
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = (
        "loyalty_site.lib.smtp.EmailBackend",
        "127.0.0.1",
        1,
    )
    assert (
        mail_queue.send_due(queue=notices.QUEUE, mailer=mail.get_connection(), clock=lambda: at, until=at + HOUR) == 0
    )
    assert PointsNotice.objects.get().state == MailState.PENDING


def test_mail_that_cannot_be_written_is_put_off(willing, send, mail_server, monkeypatch):
    willing()
    at = shanghai(6, 10)
    notices.prepare(at=at)
    monkeypatch.setattr(notice_mails, "compose", lambda **_: 1 / 0)
    assert send(at) == 0
    notice = PointsNotice.objects.get()
    assert (notice.state, notice.smtp_reply) == ("PENDING", "ZeroDivisionError: division by zero")


def test_claim_of_a_worker_that_is_gone_is_uncertain_for_ever(willing, send, mail_server, program):
    willing()
    at = shanghai(6, 10)
    notices.prepare(at=at)
    claimed = mail_queue.claim(queue=notices.QUEUE, program=program, at=at)
    assert (claimed.state, send(at + DAY)) == ("SENDING", 0)
    assert mail_queue.reconcile(queue=notices.QUEUE, at=at + mail_queue.LEASE - SECOND) == 0
    assert mail_queue.reconcile(queue=notices.QUEUE, at=at + mail_queue.LEASE) == 1
    assert (send(at + 3 * DAY), mail_server.taken) == (0, [])
    accepted = mail_replies.Outcome(mail_replies.Fate.ACCEPTED)
    # the worker was only slow: what was found out since stays
    assert mail_queue.settle(queue=notices.QUEUE, mail=claimed, outcome=accepted, at=at + DAY) is None
    assert PointsNotice.objects.get().state == MailState.UNCERTAIN


def test_database_keeps_one_for_a_touch(willing, now):
    values = {"customer": willing(), "last_day": LAST_DAY, "touch": 30, "not_before": now}
    PointsNotice.objects.create(**values)
    with pytest.raises(IntegrityError, match="points_notice_once_per_touch"):
        PointsNotice.objects.create(**values)


def test_costs_the_same_statements_for_any_number(willing, django_assert_num_queries):
    for _ in range(5):
        willing()
    with django_assert_num_queries(1):
        assert notices.prepare(at=shanghai(6, 10)) == 5


@pytest.mark.django_db(transaction=True)
def test_eight_preparers_and_eight_senders_send_each_once(willing, send, mail_server):
    customers = [willing() for _ in range(10)]
    at = shanghai(6, 10)
    assert sum(at_once(*[lambda: notices.prepare(at=at)] * 8)) == 10
    assert sum(at_once(*[lambda: send(at)] * 8)) == 10
    assert sorted(mail_server.recipients) == sorted(customer.email for customer in customers)
