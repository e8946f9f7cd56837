import re
from collections import Counter
from datetime import UTC, date, datetime
from io import StringIO

import pandas
import pytest
import time_machine
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.db.models import Count, Sum

from customers.domain import audit, customers
from customers.models import (
    AuditEvent,
    Customer,
    Product,
    Purchase,
    PurchaseLine,
    Recommendation,
    Rhythm,
    Segment,
    Store,
    SuppressedAddress,
    User,
)
from loyalty_site import environment
from loyalty_site.demo import asking, journey, loading, offering, past, staff
from loyalty_site.demo import cases as demo_cases
from loyalty_site.lib import actors
from rewards.domain import points
from rewards.models import (
    Coupon,
    CouponRedemption,
    Mailing,
    MailingState,
    PointsAccount,
    PointsEntry,
    Program,
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
from tests.factories.customers import CustomerFactory, StoreFactory
from tests.loyalty_site.api.calling import caller

NOW = datetime(2026, 5, 20, 10, 30, tzinfo=UTC)
HOUSEHOLDS = 6

pytestmark = pytest.mark.django_db


def seed(*arguments, at=NOW):
    out = StringIO()
    with time_machine.travel(at, tick=True):
        call_command("seed_demo", *arguments, stdout=out)
    return out.getvalue()


def told(count):
    """The package's lines of the first households, with pandas."""
    transactions = pandas.read_parquet(journey.directory() / "transactions.parquet")
    return transactions[transactions.household_id.isin(journey.households(count))]


def points_of(lines):
    """By household: floor(sum of dollars), tropical fruit twice, bread three times on Wednesdays, fuel and tobacco not
    at all."""
    products = pandas.read_parquet(journey.directory() / "products.parquet").set_index("product_id")
    rates = {"TROPICAL FRUIT": 2, "COUPON/MISC ITEMS": 0, "CIGARETTES": 0}
    category = lines.product_id.map(products.product_category)
    rate = category.map(rates).fillna(1)
    bought = Purchase.objects.values_list("receipt_number", "purchased_at")
    on_wednesday = {number for number, moment in bought if moment.astimezone(journey.ZONE).isoweekday() == 3}
    rate[(category == "BAKED BREAD/BUNS/ROLLS") & lines.basket_id.astype(str).isin(on_wednesday)] = 3
    cents = (lines.sales_value * 100).round().astype(int)
    return ((cents * rate).groupby([lines.household_id, lines.basket_id]).sum() // 100).groupby("household_id").sum()


def everything():
    models = [Customer, Store, User, Product, Purchase, PurchaseLine, PointsEntry, Coupon, RewardRedemption, Delivery]
    return {model.__name__: model.objects.count() for model in models}


@pytest.mark.django_db(transaction=True)  # as in life: several connections book
def test_seed_demo_books_what_the_data_tells():
    said = seed("--households", str(HOUSEHOLDS))

    expected = told(HOUSEHOLDS)
    assert Customer.objects.count() == expected.household_id.nunique() == HOUSEHOLDS
    assert Purchase.objects.count() == expected.basket_id.nunique()
    assert PurchaseLine.objects.count() == len(expected)
    assert Store.objects.count() == expected.store_id.nunique()
    total = Purchase.objects.aggregate(total=Sum("total_minor"))["total"]
    assert total == PurchaseLine.objects.aggregate(total=Sum("amount_minor"))["total"]
    assert total == round(expected.sales_value.sum() * 100)
    assert "The demo is loaded" in said
    assert not list((environment.VAR_DIR / "demo").iterdir())


def test_first_purchase_of_the_docs_earns_what_they_say():
    seed("--households", "2")
    told = (environment.BASE_DIR / "docs" / "api.md").read_text()
    body = re.search(r"--json '(\{\s+\"receipt_number.*?\})'\ndone", told, re.DOTALL).group(1)
    body = body.replace("'$NUMBER'", CustomerFactory().number).replace("'$AT'", NOW.isoformat())
    with time_machine.travel(NOW, tick=True):
        answer = caller(store=Store.objects.first()).post("purchases", body)
    assert f"it is {answer.json()['points']['earned']} points" in told


def test_seed_demo_ends_the_year_yesterday_on_the_stores_clocks():
    seed("--households", "2")

    last = Purchase.objects.latest("purchased_at").purchased_at.astimezone(journey.ZONE)
    assert (last.date(), last.hour) == (date(2026, 5, 19), 21)


def test_seed_demo_awards_points_for_each_purchase_and_some_lapse_soon():
    seed("--households", "2")

    awarded = PointsEntry.objects.filter(kind="AWARD", reference__startswith="purchase:").values("customer")
    found = awarded.annotate(points=Sum("points")).values_list("customer__customer__cards__number", "points")
    expected = points_of(told(2))
    assert {f"household-{household}": points for household, points in expected.items()}.items() <= dict(found).items()
    grace = customers.find(text="demo-customer")[0]
    summary = points.summary(customer=grace, at=NOW)
    assert summary.available == summary.balance > 0
    soonest, lapse_at = summary.expiring[0]
    assert soonest >= 100
    assert lapse_at == datetime(2026, 6, 1, tzinfo=journey.ZONE)
    call_command("check_ledger", stdout=StringIO())


def test_seed_demo_again_changes_nothing():
    seed("--households", "2")
    before, balances = everything(), list(PointsAccount.objects.order_by("pk").values())

    seed("--households", "2")

    assert everything() == before
    assert list(PointsAccount.objects.order_by("pk").values()) == balances


def test_seed_demo_with_more_households_adds_them_on_the_same_dates():
    seed("--households", "2")
    seed("--households", "4", at=datetime(2026, 6, 3, tzinfo=UTC))

    assert PurchaseLine.objects.count() == len(told(4))
    assert Purchase.objects.latest("purchased_at").purchased_at < NOW


def test_seed_demo_goes_on_after_an_interruption(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(past, "tell", lambda *_args, **_kwargs: exec("raise KeyboardInterrupt"))
        with pytest.raises(KeyboardInterrupt):
            seed("--households", "2")
    assert not loading.is_complete()

    seed("--households", "2", "--if-needed", at=datetime(2026, 5, 21, 10, 30, tzinfo=UTC))

    assert loading.is_complete()
    assert PurchaseLine.objects.count() == len(told(2))
    assert Purchase.objects.latest("purchased_at").purchased_at < NOW


def test_seed_demo_if_needed_leaves_a_complete_demo():
    seed("--households", "1")
    before = AuditEvent.objects.count()

    assert seed("--if-needed") == ""
    assert (Customer.objects.count(), AuditEvent.objects.count()) == (1, before)


def test_seed_demo_if_needed_leaves_a_chain_of_ones_own():
    StoreFactory()

    assert seed("--if-needed") == ""
    assert not Program.objects.exists()


def test_seed_demo_lets_the_staff_in():
    seed("--households", "1")

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
    seed("--households", "1")

    grace = customers.find(text="demo-customer")[0]
    coupons = Coupon.objects.filter(customer=grace).exclude(offer__code_prefix__startswith="MAIL")
    assert {coupon.offer.code_prefix for coupon in coupons} == {"MAPLE", "THANKS", "MANGO"}
    assert {coupon.state for coupon in coupons} == {"ISSUED"}
    assert all(coupon.expires_at > NOW >= coupon.issued_at for coupon in coupons)
    assert RewardRedemption.objects.get(customer=grace).state == "REQUESTED"
    assert Recommendation.objects.filter(customer=grace).exists()
    assert (grace.email, grace.preferences.count()) == ("grace.chen@example.org", 3)


def test_seed_demo_built_segments():
    seed("--households", str(HOUSEHOLDS))
    sizes = dict(Segment.objects.annotate(n=Count("members")).values_list("name", "n"))
    assert set(sizes) == {"Champions", "Drifting away, may be written to"}
    assert sizes["Champions"] == Rhythm.objects.filter(group="CHAMPIONS").count()


def test_seed_demo_asked_for_months_and_was_answered():
    seed("--households", "20")

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
    seed("--households", "40")

    states = Counter(Delivery.objects.values_list("state", flat=True))
    assert (states[DeliveryState.UNCERTAIN], states[DeliveryState.HELD]) == (asking.UNCERTAIN, asking.HELD)
    assert min(states[DeliveryState.BOUNCED], states[DeliveryState.REJECTED]) > 0
    assert states[DeliveryState.PENDING] == 0
    reasons = Counter(SuppressedAddress.objects.values_list("reason", flat=True))
    assert reasons == {"HARD_BOUNCE": states[DeliveryState.BOUNCED], "COMPLAINT": 1, "STAFF": 1}


def test_seed_demo_mailed_an_offer_with_a_part_held_out(monkeypatch):
    monkeypatch.setattr(offering, "HELD_OUT_PERCENT", 50)
    monkeypatch.setattr(offering, "FETCHED", 0.5)
    seed("--households", "40")

    mailing = Mailing.objects.get()
    assert mailing.state == MailingState.COMPLETED
    mails = Counter(mailing.mails.values_list("state", "reason"))
    assert min(mails["ACCEPTED", ""], mails["SUPPRESSED", "HELD_OUT"]) > 0
    used = CouponRedemption.objects.filter(coupon__mailing_mail__mailing=mailing)
    assert 0 < used.count() < mails["ACCEPTED", ""]


def test_seed_demo_hung_posters():
    seed("--households", "20")

    links = list(OpenLink.objects.order_by("pk"))
    assert [link.store is None for link in links] == [False, False, True]
    for link, (_source, _place, number) in zip(links, asking.POSTERS, strict=True):
        assert reports.report(reports.Scope(link.survey, open_link=link)).responses == number
    assert all(result.answers for result in choice_results.of(reports.Scope(links[0].survey)))


def test_seed_demo_followed_low_scores_up(monkeypatch):
    monkeypatch.setattr(demo_cases, "WAITING", 0)
    seed("--households", "60")

    low = Case.objects.filter(channel=CaseChannel.SURVEY)
    scores = Answer.objects.filter(question__kind=QuestionKind.NPS, number__lte=asking.LOW_SCORE)
    assert {case.response_id for case in low} == set(scores.values_list("response", flat=True)) != set()
    assert {case.state for case in low} == {CaseState.CLOSED}
    typed = Case.objects.exclude(channel=CaseChannel.SURVEY).order_by("-opened_at")
    assert [case.owner.email for case in typed] == ["manager@example.org"] * 3
    assert typed[0].customer == customers.find(text="demo-customer")[0]
    assert list(typed.filter(cases.is_overdue(at=NOW))) == [typed[2]]
    call_command("check_ledger", stdout=StringIO())


def test_seed_demo_says_where_refused_lines_are():
    """Lines of tomorrow are refused by the importer, from whomever they come."""
    audit.record(actor=actors.SYSTEM, action=loading.STARTED, subject="x:1", data={"last_day": "2026-05-22"}, at=NOW)

    with pytest.raises(CommandError, match=r"lines were refused, see .*purchases\.parquet\.rejects\.csv"):
        seed("--households", "1")
    assert not loading.is_complete()


def test_seed_demo_refuses_where_there_is_no_demo(settings):
    settings.LOYALTY_DEMO = False

    with pytest.raises(CommandError, match="never in production"):
        seed()
    assert not Store.objects.exists()


@pytest.mark.parametrize("households", ["0", "-3", "many", "1.5", ""])
def test_seed_demo_refuses_what_is_no_number(households):
    with pytest.raises(CommandError, match="not a number of households"):
        seed(f"--households={households}")


def test_seed_demo_says_what_is_missing(monkeypatch):
    monkeypatch.setattr(journey, "PACKAGE", "no_such_package")

    with pytest.raises(CommandError, match="pip install"):
        seed()
