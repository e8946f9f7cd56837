from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail

from customers.domain import consents
from customers.models import Customer, Purpose
from loyalty_site.lib import actors
from rewards.domain import gesture_mails, letters, mail_queue, points
from rewards.models import Arm, Coupon, GestureMail, GestureText, Offer, Program, Surprise
from tests.factories.customers import ConsentFactory, CustomerFactory
from tests.factories.rewards import CouponFactory, ProgramFactory, SurpriseRuleFactory
from tests.races import at_once

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# Noon in Shanghai.
NOON = datetime(2026, 6, 10, 4, tzinfo=UTC)


@pytest.fixture(autouse=True)
def program(db):
    return ProgramFactory(name="Green Basket", timezone="Asia/Shanghai")


@pytest.fixture
def surprised():
    """Makes a customer who allows offers and news, surprised with a coupon until June 20."""

    def make(arm=Arm.TREATED, rule=None, at=NOON, **fields):
        customer = CustomerFactory(**{"name": "Mei Wang", **fields})
        ConsentFactory(customer=customer, purpose=Purpose.MARKETING_EMAIL)
        rule = rule or SurpriseRuleFactory(offer__title={"en": "Tea <b>& cake</b>", "zh-hans": "下午茶"})
        told = {"rule": rule, "customer": customer, "arm": arm, "occasion": "purchase:1"}
        gesture = {}
        if arm == Arm.TREATED:
            ends = datetime(2026, 6, 20, 16, tzinfo=UTC)
            gesture["coupon"] = CouponFactory(offer=rule.offer, customer=customer, expires_at=ends)
        return Surprise.objects.create(**told, **gesture, happened_at=at, decided_at=at)

    return make


@pytest.fixture
def send(mail_server):
    def send(at=NOON):
        clock = {"clock": lambda: at, "until": at + timedelta(seconds=60)}
        return mail_queue.send_due(queue=gesture_mails.QUEUE, mailer=mail.get_connection(), **clock)

    return send


def body(message, kind):
    return message.get_body((kind,)).get_content().replace("\r\n", "\n")


def states():
    return list(GestureMail.objects.order_by("pk").values_list("state", "reason"))


def test_each_surprise_is_told_once(surprised, send, mail_server, settings):
    settings.BASE_URL = "https://club.example.org"
    surprise = surprised(email="mei@example.org")
    assert [gesture_mails.prepare(at=NOON + n * HOUR) for n in range(3)] == [1, 0, 0]
    assert send() == 1
    assert send(NOON + DAY) == 0
    ((address, message),) = mail_server.taken
    row = GestureMail.objects.get()
    assert (address, message["Subject"]) == ("mei@example.org", "A little thank-you from Green Basket")
    assert message["Message-ID"].startswith(f"<gesture-{row.pk}.")
    unsubscribe = f"https://club.example.org/news/{letters.token_for(surprise.customer)}/unsubscribe/"
    assert message["List-Unsubscribe"].strip() == f"<{unsubscribe}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    text = body(message, "plain")
    page = body(message, "html")
    assert "Dear Mei,\n\nthank you for coming by." in text
    assert "Tea <b>& cake</b>.\n\nIt is yours until June 20, 2026." in text
    assert "Tea &lt;b&gt;&amp; cake&lt;/b&gt;" in page
    assert "<b>& cake" not in page
    for part in (text, page):
        assert surprise.coupon.display_code in part
        assert f"https://club.example.org/coupons/{surprise.coupon_id}/" in part
        assert unsubscribe in part


def test_mail_speaks_the_customers_language(surprised, send, mail_server):
    surprised(language="zh-hans", name="王小梅")
    gesture_mails.prepare(at=NOON)
    send()
    message = mail_server.taken[0][1]
    assert message["Subject"] == "Green Basket 的一份小心意"
    assert "王小梅，您好！" in body(message, "plain")
    assert "2026年6月20日" in body(message, "html")


def test_marketings_words_are_filled_and_escaped(surprised, send, mail_server):
    surprise = surprised(name="{code}<script>\nBcc:")
    GestureText.objects.create(
        rule=surprise.rule,
        subject={"en": "For {first_name}\nonly"},
        body={"en": "Line one, {first_name}\nLine <i>two</i> {{ program.name }}"},
    )
    gesture_mails.prepare(at=NOON)
    send()
    message = mail_server.taken[0][1]
    assert message["Subject"] == "For {code}<script> only"
    assert message["Bcc"] is None
    page = body(message, "html")
    assert "Line one, {code}&lt;script&gt;<br>Line &lt;i&gt;two&lt;/i&gt; {{ program.name }}" in page
    assert "Line one, {code}<script>\nLine <i>two</i>" in body(message, "plain")


@pytest.fixture
def given():
    """The entry of 1,200 points with which somebody who allows offers and news was surprised."""
    customer = CustomerFactory()
    ConsentFactory(customer=customer, purpose=Purpose.MARKETING_EMAIL)
    entry = points.award(customer=customer, points=1200, reference="surprise:1", by=actors.SYSTEM, at=NOON)
    rule = SurpriseRuleFactory(offer=None, points=1200)
    moments = {"happened_at": NOON, "decided_at": NOON}
    Surprise.objects.create(
        rule=rule, customer=customer, occasion="sign-up", arm=Arm.TREATED, points_entry=entry, **moments
    )
    return entry


def test_points_are_told_of(given, send, mail_server):
    gesture_mails.prepare(at=NOON)
    assert send() == 1
    assert mail_server.taken[0][1]["Subject"] == "1,200 points for you, just because"


def test_points_that_were_taken_back_meanwhile_are_not_told_of(given, send):
    gesture_mails.prepare(at=NOON)
    points.claw_back(entry=given, points=1200, reference="surprise:1", by=actors.SYSTEM, at=NOON)
    assert send() == 0
    assert states() == [("SUPPRESSED", "GONE")]


def test_who_is_held_out_or_may_not_be_written_to_gets_no_row(surprised):
    surprised(arm=Arm.HOLDOUT)
    surprised(email="", phone="+8613812345678")
    Customer.objects.filter(pk=surprised().customer_id).update(closed_at=NOON)
    unwilling = surprised().customer
    consents.withdraw(customer=unwilling, purpose=Purpose.MARKETING_EMAIL, by=actors.SYSTEM, at=NOON)
    surprised(at=NOON - gesture_mails.FRESH_FOR)
    Coupon.objects.filter(pk=surprised().coupon_id).update(state="VOID")
    assert gesture_mails.prepare(at=NOON) == 0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda row: Coupon.objects.filter(pk=row.coupon_id).update(state="VOID"), "GONE"),
        (lambda row: Coupon.objects.filter(pk=row.coupon_id).update(expires_at=NOON), "GONE"),
        (lambda row: Offer.objects.filter(pk=row.rule.offer_id).update(withdrawn_at=NOON), "GONE"),
        (
            lambda row: consents.withdraw(
                customer=row.customer, purpose=Purpose.MARKETING_EMAIL, by=actors.SYSTEM, at=NOON
            ),
            "NO_CONSENT",
        ),
        (lambda row: Customer.objects.filter(pk=row.customer_id).update(closed_at=NOON), "CLOSED"),
        (lambda row: Customer.objects.filter(pk=row.customer_id).update(email="", phone="+8613812345678"), "NO_EMAIL"),
    ],
    ids=["void", "expired", "withdrawn", "consent", "closed", "address"],
)
def test_everything_is_asked_again_before_it_leaves(surprised, send, mail_server, change, reason):
    surprise = surprised()
    gesture_mails.prepare(at=NOON)
    change(surprise)
    assert send() == 0
    assert states() == [("SUPPRESSED", reason)]
    assert mail_server.taken == []


@pytest.mark.parametrize(
    ("hour", "leaves"),
    [(0, "2026-06-10T09"), (9, "2026-06-10T09"), (19, "2026-06-10T19"), (20, "2026-06-11T09"), (23, "2026-06-11T09")],
)
def test_nobody_is_woken_at_night(program, hour, leaves):
    at = datetime(2026, 6, 10, hour, tzinfo=UTC) - 8 * HOUR
    assert gesture_mails.by_day(at=at, program=program) == datetime.fromisoformat(f"{leaves}:00:00+08:00")


def test_what_goes_beyond_the_cap_waits_and_a_refused_mail_takes_no_place(program, surprised, send, mail_server):
    Program.objects.update(mail_max=1, mail_days=7)
    first = surprised()
    rule = SurpriseRuleFactory()
    coupon = CouponFactory(offer=rule.offer, customer=first.customer)
    moments = {"happened_at": NOON, "decided_at": NOON}
    told = {"rule": rule, "customer": first.customer, "arm": Arm.TREATED, "occasion": "visit:10"}
    Surprise.objects.create(**told, coupon=coupon, **moments)
    gesture_mails.prepare(at=NOON)
    mail_server.at_recipient = {first.customer.email: "550 nobody"}
    assert send() == 0
    assert sorted(states()) == [("REJECTED", ""), ("REJECTED", "")]
    GestureMail.objects.update(state="PENDING", settled_at=None)
    mail_server.at_recipient = {}
    assert (send(), send(NOON + 6 * DAY)) == (1, 0)
    assert sorted(states()) == [("ACCEPTED", ""), ("PENDING", "")]
    assert GestureMail.objects.get(state="PENDING").not_before == NOON + 7 * DAY
    assert send(NOON + 7 * DAY) == 1


@pytest.mark.django_db(transaction=True)
def test_eight_preparers_and_eight_senders_tell_each_once(surprised, send, mail_server):
    customers = [surprised().customer for _ in range(6)]
    assert sum(at_once(*[lambda: gesture_mails.prepare(at=NOON)] * 8)) == 6
    assert sum(at_once(*[send] * 8)) == 6
    assert sorted(mail_server.recipients) == sorted(customer.email for customer in customers)
