"""What the demo holds, loaded once for all tests that look at it."""

import re
from collections import Counter
from datetime import date, datetime
from io import StringIO

import pytest
import time_machine
from django.contrib.auth import authenticate
from django.core.management import call_command
from django.db.models import Count, Sum

from customers.domain import customers
from customers.models import (
    AuditEvent,
    Customer,
    Purchase,
    Recommendation,
    Rhythm,
    Segment,
    Store,
    SuppressedAddress,
    User,
)
from loyalty_site import environment
from loyalty_site.demo import asking, journey, offering, staff
from loyalty_site.demo import cases as demo_cases
from rewards.domain import points
from rewards.models import (
    Coupon,
    CouponRedemption,
    Mailing,
    MailingState,
    PointsEntry,
    RewardRedemption,
)
from surveys.domain import cases, choice_results, funnels, reports
from surveys.models import (
    Answer,
    Campaign,
    CampaignState,
    Case,
    CaseChannel,
    CaseState,
    Delivery,
    DeliveryState,
    OpenLink,
    QuestionKind,
    Survey,
)
from tests.factories.customers import CustomerFactory
from tests.loyalty_site.api.calling import caller
from tests.loyalty_site.seeding import NOW, seed, table, told

HOUSEHOLDS = 60

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loaded")]


@pytest.fixture(scope="module")
def loaded(made_once):
    with pytest.MonkeyPatch.context() as patch, made_once():
        patch.setattr(offering, "HELD_OUT_PERCENT", 50)
        patch.setattr(offering, "FETCHED", 0.5)
        patch.setattr(demo_cases, "WAITING", 0)
        seed("--households", str(HOUSEHOLDS))


def points_of(lines):
    """By household: floor(sum of dollars), tropical fruit twice, bread three times on Wednesdays, fuel and tobacco not
    at all."""
    products = table("products").set_index("product_id")
    rates = {"TROPICAL FRUIT": 2, "COUPON/MISC ITEMS": 0, "CIGARETTES": 0}
    category = lines.product_id.map(products.product_category)
    rate = category.map(rates).fillna(1)
    bought = Purchase.objects.values_list("receipt_number", "purchased_at")
    on_wednesday = {number for number, moment in bought if moment.astimezone(journey.ZONE).isoweekday() == 3}
    rate[(category == "BAKED BREAD/BUNS/ROLLS") & lines.basket_id.astype(str).isin(on_wednesday)] = 3
    cents = (lines.sales_value * 100).round().astype(int)
    return ((cents * rate).groupby([lines.household_id, lines.basket_id]).sum() // 100).groupby("household_id").sum()


def test_first_purchase_of_the_docs_earns_what_they_say():
    told = (environment.BASE_DIR / "docs" / "api.md").read_text()
    body = re.search(r"--json '(\{\s+\"receipt_number.*?\})'\ndone", told, re.DOTALL).group(1)
    body = body.replace("'$NUMBER'", CustomerFactory().number).replace("'$AT'", NOW.isoformat())
    with time_machine.travel(NOW, tick=True):
        answer = caller(store=Store.objects.first()).post("purchases", body)
    assert f"it is {answer.json()['points']['earned']} points" in told


def test_seed_demo_ends_the_year_yesterday_on_the_stores_clocks():
    last = Purchase.objects.latest("purchased_at").purchased_at.astimezone(journey.ZONE)
    assert (last.date(), last.hour) == (date(2026, 5, 19), 21)


def test_seed_demo_awards_points_for_each_purchase_and_some_lapse_soon():
    awarded = PointsEntry.objects.filter(kind="AWARD", reference__startswith="purchase:").values("customer")
    found = awarded.annotate(points=Sum("points")).values_list("customer__customer__cards__number", "points")
    expected = points_of(told(HOUSEHOLDS))
    assert {f"household-{household}": points for household, points in expected.items()}.items() <= dict(found).items()
    grace = customers.find(text="demo-customer")[0]
    summary = points.summary(customer=grace, at=NOW)
    assert summary.available == summary.balance > 0
    soonest, lapse_at = summary.expiring[0]
    assert soonest >= 100
    assert lapse_at == datetime(2026, 6, 1, tzinfo=journey.ZONE)
    call_command("check_ledger", stdout=StringIO())


def test_seed_demo_if_needed_leaves_a_complete_demo():
    before = (Customer.objects.count(), AuditEvent.objects.count())

    assert seed("--if-needed") == ""
    assert (Customer.objects.count(), AuditEvent.objects.count()) == before


def test_seed_demo_lets_the_staff_in():
    for account in staff.accounts():
        user = authenticate(email=account.email, password=account.password)
        assert user.is_staff
        assert user.is_superuser == (account.email == "owner@example.org")
        assert user.groups.count() == 1
    manager = User.objects.get(email="manager@example.org")
    home = customers.find(text="grace.chen@example.org")[0].home_store
    assert manager.stores.count() == 2
    assert home in manager.stores.all()


def test_seed_demo_gives_its_customer_something_to_look_at():
    grace = customers.find(text="demo-customer")[0]
    coupons = Coupon.objects.filter(customer=grace).exclude(offer__code_prefix__startswith="MAIL")
    assert {coupon.offer.code_prefix for coupon in coupons} == {"MAPLE", "THANKS", "MANGO"}
    assert {coupon.state for coupon in coupons} == {"ISSUED"}
    assert all(coupon.expires_at > NOW >= coupon.issued_at for coupon in coupons)
    assert RewardRedemption.objects.get(customer=grace).state == "REQUESTED"
    assert Recommendation.objects.filter(customer=grace).exists()
    assert (grace.email, grace.preferences.count()) == ("grace.chen@example.org", 3)


def test_seed_demo_built_segments():
    sizes = dict(Segment.objects.annotate(n=Count("members")).values_list("name", "n"))
    assert set(sizes) == {"Champions", "Drifting away, may be written to"}
    assert sizes["Champions"] == Rhythm.objects.filter(group="CHAMPIONS").count()


def test_seed_demo_asked_for_months_and_was_answered():
    survey = Survey.objects.get(follow_up_hours=asking.FOLLOW_UP_HOURS)
    scope = reports.Scope(survey)
    report = reports.report(scope)
    assert 0 < report.responses == funnels.funnel(scope).dispositions.complete
    assert len(report.periods) > 12
    assert Answer.objects.exclude(text="").exists()
    assert Delivery.objects.filter(touch=2).exists()
    assert set(Campaign.objects.values_list("trigger", "state")) == {
        ("DATE", CampaignState.DRAFT),
        ("DATE", CampaignState.COMPLETED),
        ("RECURRING", CampaignState.SENDING),
    }
    thanks = PointsEntry.objects.filter(reference__startswith="survey-response:")
    assert 0 < thanks.count() < report.responses
    assert PointsEntry.objects.latest("happened_at").happened_at <= NOW


def test_seed_demo_leaves_mails_to_look_after():
    states = Counter(Delivery.objects.values_list("state", flat=True))
    assert (states[DeliveryState.UNCERTAIN], states[DeliveryState.HELD]) == (asking.UNCERTAIN, asking.HELD)
    assert min(states[DeliveryState.BOUNCED], states[DeliveryState.REJECTED]) > 0
    assert states[DeliveryState.PENDING] == 0
    reasons = Counter(SuppressedAddress.objects.values_list("reason", flat=True))
    assert reasons == {"HARD_BOUNCE": states[DeliveryState.BOUNCED], "COMPLAINT": 1, "STAFF": 1}


def test_seed_demo_mailed_an_offer_with_a_part_held_out():
    mailing = Mailing.objects.get()
    assert mailing.state == MailingState.COMPLETED
    mails = Counter(mailing.mails.values_list("state", "reason"))
    assert min(mails["ACCEPTED", ""], mails["SUPPRESSED", "HELD_OUT"]) > 0
    used = CouponRedemption.objects.filter(coupon__mailing_mail__mailing=mailing)
    assert 0 < used.count() < mails["ACCEPTED", ""]


def test_seed_demo_hung_posters():
    links = list(OpenLink.objects.order_by("pk"))
    assert [link.store is None for link in links] == [False, False, True]
    for link, (_source, _place, number) in zip(links, asking.POSTERS, strict=True):
        assert reports.report(reports.Scope(link.survey, open_link=link)).responses == number
    assert all(result.answers for result in choice_results.of(reports.Scope(links[0].survey)))


def test_seed_demo_followed_low_scores_up():
    low = Case.objects.filter(channel=CaseChannel.SURVEY)
    scores = Answer.objects.filter(question__kind=QuestionKind.NPS, number__lte=asking.LOW_SCORE)
    assert {case.response_id for case in low} == set(scores.values_list("response", flat=True)) != set()
    assert {case.state for case in low} == {CaseState.CLOSED}
    typed = Case.objects.exclude(channel=CaseChannel.SURVEY).order_by("-opened_at")
    assert [case.owner.email for case in typed] == ["manager@example.org"] * 3
    assert typed[0].customer == customers.find(text="demo-customer")[0]
    assert list(typed.filter(cases.is_overdue(at=NOW))) == [typed[2]]
    call_command("check_ledger", stdout=StringIO())
