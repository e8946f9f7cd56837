"""Customers in the back office: found by whatever they tell, enrolled, helped."""

from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse
from django.utils import timezone

from customers.domain import consents
from customers.models import AuditEvent, Card, Consent, Customer, Purpose, Recommendation
from loyalty_site import roles
from loyalty_site.lib import actors
from rewards.domain import points, tiers
from rewards.models import Coupon, PointsAdjustment, PointsEntry, Program
from tests.factories.customers import CustomerFactory, ProductFactory, PurchaseFactory, StoreFactory, UserFactory
from tests.factories.rewards import OfferFactory, ProgramFactory, TierFactory
from tests.loyalty_site import rows
from tests.races import at_once

pytestmark = pytest.mark.django_db

LIST = "/admin/customers/customer/"


@pytest.fixture
def staff(client):
    client.member = UserFactory(is_superuser=True, password=None)
    client.force_login(client.member)
    return client


@pytest.fixture
def mei():
    """Mei Lin, with a card, and somebody else."""
    CustomerFactory(name="Other Person", email="other@example.org")
    mei = CustomerFactory(name="Mei Lin", email="Mei@example.org", phone="+8613812345678", number="HTG2MWWK")
    Card.objects.create(customer=mei, number="card-17", added_at=timezone.now())
    return mei


def act(customer, name):
    return reverse(f"admin:customers_customer_{name}", args=[customer.pk])


@pytest.mark.parametrize(
    "text",
    ["Mei", "mei lin", "mei@EXAMPLE.org", "+86 138 1234 5678", "HTG2MWWK", "htg2-mwwk", " HTG2 MWWK ", "card-17"],
)
def test_search_finds_by(staff, mei, text):
    found = staff.get(LIST, {"q": text}).context["cl"].result_list
    assert [customer.pk for customer in found] == [mei.pk]


def test_list_shows_balances(staff):
    rows.make(Customer)
    assert ">480<" in staff.get(LIST).content.decode().replace(" ", "").replace("\n", "")


def test_page_shows_the_tier_and_leads_to_its_history(staff, mei):
    ProgramFactory()
    TierFactory(name={"en": "Silver"}, threshold=100)
    TierFactory(name={"en": "Gold"}, threshold=300)
    now = timezone.now()
    points.award(customer=mei, points=120, reference="purchase:1", by=actors.SYSTEM, at=now)
    tiers.reach(customers=[mei.pk], by=actors.SYSTEM, at=now)
    page = " ".join(staff.get(act(mei, "change")).content.decode().split())
    assert "Silver" in page
    assert "180 points to Gold" in page
    assert "100 points to keep it beyond" in page
    assert "/admin/rewards/tierchange/?q=HTG2MWWK" in page
    (change,) = staff.get("/admin/rewards/tierchange/", {"q": "HTG2MWWK"}).context["cl"].result_list
    assert (change.customer, change.from_tier, str(change.to_tier)) == (mei, None, "Silver")


def test_page_shows_all_of_a_customer(staff, settings):
    given = rows.make(rows.SurveyResponse)
    customer = given.customer
    bought = PurchaseFactory(customer=customer, total_minor=1250)
    coupon = rows.rewards.CouponFactory(customer=customer)
    points.award(customer=customer, points=40, reference="test:9", reason="welcome", by=actors.SYSTEM, at=rows.AT)
    consents.grant(customer=customer, purpose=Purpose.SURVEY_EMAIL, by=actors.SYSTEM, at=rows.AT)
    page = staff.get(f"{LIST}{customer.pk}/change/")
    text = page.content.decode()
    assert page.context["summary"].balance == 40
    assert [entry.points for entry in page.context["ledger"]] == [40]
    assert page.context["purchases"] == [bought]
    assert page.context["coupons"] == [coupon]
    assert page.context["responses"] == [given]
    assert [row["consent"] is not None for row in page.context["consents"]] == [True, False]
    assert customer.display_number in text
    assert "40 points: welcome" in text


def test_page_shows_what_is_held(staff, time_machine):
    time_machine.move_to(rows.LATER)
    hold = rows.make(rows.PointsHold)
    address = f"{LIST}{hold.customer_id}/change/"
    assert staff.get(address).context["summary"].held == 5
    assert "kept for whoever holds them" in staff.get(address).content.decode()
    points.release(hold=hold, by=actors.SYSTEM, at=rows.LATER)
    assert "kept for whoever holds them" not in staff.get(address).content.decode()


def test_page_costs_the_same_queries_however_much_there_is(staff, django_assert_max_num_queries):
    customer = rows.make(Customer)
    for number in range(12):
        PurchaseFactory(customer=customer)
        told = {"reference": f"purchase:{number}", "by": actors.SYSTEM, "at": rows.AT}
        points.award(customer=customer, points=10, **told)
    with django_assert_max_num_queries(25):
        page = staff.get(f"{LIST}{customer.pk}/change/")
    assert len(page.context["purchases"]) == len(page.context["ledger"]) == 8


def test_enroll_makes_a_customer_through_the_domain(staff):
    store = StoreFactory()
    told = {
        "name": "Anna Novak",
        "email": "anna@example.org",
        "phone": "+4915112345678",
        "language": "zh-hans",
        "home_store": store.pk,
        "consents": ["survey_email"],
    }
    answer = staff.post(f"{LIST}add/", told)
    anna = Customer.objects.get()
    assert answer.url == f"{LIST}{anna.pk}/change/"
    assert (anna.name, anna.home_store, anna.language, len(anna.number)) == ("Anna Novak", store, "zh-hans", 8)
    assert [consent.granted_by for consent in Consent.objects.all()] == [f"user:{staff.member.pk}"]
    assert AuditEvent.objects.get(action="customer.enrolled").actor == f"user:{staff.member.pk}"


def test_enroll_tells_whose_an_address_is(staff, mei):
    answer = staff.post(f"{LIST}add/", {"name": "Mei", "email": "MEI@example.org", "language": "en"})
    assert answer.context["adminform"].form.errors["email"] == ["This already belongs to customer HTG2-MWWK."]
    assert Customer.objects.count() == 2


def test_enroll_needs_an_address_or_a_phone(staff):
    answer = staff.post(f"{LIST}add/", {"name": "Nobody", "language": "en"})
    assert answer.context["adminform"].form.errors["email"] == ["An e-mail address or a phone number is needed."]


def test_edit_changes_and_notes_which_fields(staff, mei):
    told = {"name": "Mei Chen", "email": mei.email, "phone": mei.phone, "language": "en"}
    answer = staff.post(act(mei, "edit"), told)
    mei.refresh_from_db()
    assert answer.url == f"{LIST}{mei.pk}/change/"
    assert mei.name == "Mei Chen"
    assert AuditEvent.objects.get().data == {"fields": ["name"]}


def test_adjust_books_points_with_their_reason(staff, mei):
    form = {"token": uuid4(), "points": "25", "reason": "Broken jar"}
    answer = staff.post(act(mei, "adjust_points"), form, follow=True)
    entry, event = PointsEntry.objects.get(), AuditEvent.objects.get(action="points.adjusted")
    assert (entry.points, entry.reason, entry.actor) == (25, "Broken jar", f"user:{staff.member.pk}")
    assert (event.subject, event.reason, event.data) == (
        f"customer:{mei.pk}",
        "Broken jar",
        {"points": 25, "adjustment": entry.adjustment.pk, "entry": entry.pk},
    )
    assert "the balance is now 25 points" in answer.content.decode()


def test_adjust_twice_with_one_form_adjusts_once(staff, mei):
    form = {"token": uuid4(), "points": "25", "reason": "Broken jar"}
    for _ in range(2):
        assert staff.post(act(mei, "adjust_points"), form).status_code == 302
    assert [entry.points for entry in PointsEntry.objects.all()] == [25]
    assert AuditEvent.objects.filter(action="points.adjusted").count() == 1


@pytest.mark.django_db(transaction=True)
def test_adjust_at_once_with_one_form_adjusts_once(staff, mei):
    form = {"token": uuid4(), "points": "25", "reason": "Broken jar"}
    answers = at_once(*[lambda: staff.post(act(mei, "adjust_points"), form).status_code] * 4)
    assert answers == [302] * 4
    assert [entry.points for entry in PointsEntry.objects.all()] == [25]
    assert AuditEvent.objects.filter(action="points.adjusted").count() == 1


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({"points": "0"}, "points"),
        ({"points": "1000001"}, "points"),
        ({"points": "99999999999999999999"}, "points"),
        ({"points": ""}, "points"),
        ({"reason": " "}, "reason"),
        ({"token": "x"}, "token"),
    ],
)
def test_adjust_refuses(staff, mei, told, field):
    form = {"token": uuid4(), "points": "5", "reason": "Broken jar", **told}
    answer = staff.post(act(mei, "adjust_points"), form)
    assert field in answer.context["form"].errors
    assert not PointsEntry.objects.exists()


def test_adjust_says_from_when_on_it_waits_and_then_waits(staff, mei):
    ProgramFactory(adjustment_threshold=1500)
    page = staff.get(act(mei, "adjust_points")).content.decode()
    assert "More than 1,500 points by you for this customer in 24 hours wait for a second person." in page
    form = {"token": uuid4(), "points": "1501", "reason": "Lost receipts"}
    for _ in range(2):
        answer = staff.post(act(mei, "adjust_points"), form, follow=True)
    assert "Nothing is booked yet: this waits for a second person." in answer.content.decode()
    assert not PointsEntry.objects.exists()
    waiting = PointsAdjustment.objects.get()
    assert (waiting.state, waiting.asked_by, waiting.points) == ("WAITING", f"user:{staff.member.pk}", 1501)
    Program.objects.update(adjustment_threshold=None)
    assert "second person" not in staff.get(act(mei, "adjust_points")).content.decode().split("bo-form")[1]


def test_adjust_takes_no_more_than_there_is(staff, mei):
    answer = staff.post(act(mei, "adjust_points"), {"token": uuid4(), "points": "-5", "reason": "Mistake"})
    assert answer.context["form"].non_field_errors() == ["Not enough points: 5 wanted, 0 can be spent."]
    assert not AuditEvent.objects.exists()


def test_looking_at_an_act_changes_nothing(staff, mei):
    for name in ("adjust_points", "issue_coupon", "edit"):
        assert staff.get(act(mei, name)).status_code == 200
    assert not PointsEntry.objects.exists()
    assert not AuditEvent.objects.exists()


def test_issue_gives_one_coupon_for_one_form(staff, mei):
    offer = OfferFactory()
    form = {"token": uuid4(), "offer": offer.pk}
    for _ in range(2):
        assert staff.post(act(mei, "issue_coupon"), form).status_code == 302
    assert [(coupon.offer, coupon.customer) for coupon in Coupon.objects.all()] == [(offer, mei)]


def test_issue_offers_what_is_live(staff, mei):
    live = OfferFactory()
    OfferFactory(published_at=None)
    OfferFactory(withdrawn_at=rows.LATER)
    OfferFactory(valid_to=rows.LATER)
    choices = staff.get(act(mei, "issue_coupon")).context["form"].fields["offer"].queryset
    assert list(choices) == [live]


def test_consent_is_granted_and_withdrawn_by_name(staff, mei):
    allow, withdraw = (
        reverse("admin:customers_customer_consent", args=[mei.pk, "survey_email", verb])
        for verb in ("allow", "withdraw")
    )
    assert "Only when the customer said so" in staff.get(allow).content.decode()
    assert not consents.allows(customer=mei, purpose=Purpose.SURVEY_EMAIL)
    for _ in range(2):  # a double click
        staff.post(allow)
        assert consents.allows(customer=mei, purpose=Purpose.SURVEY_EMAIL)
    staff.post(withdraw)
    assert Consent.objects.get().withdrawn_by == f"user:{staff.member.pk}"


def test_recommendations_are_switched_off_and_on_by_name(staff, mei):
    product = ProductFactory(name="Oats")
    Recommendation.objects.create(
        customer=mei, rank=1, product=product, kind="new", score=1, reason={"everywhere": True}, made_at=rows.AT
    )
    page = f"{LIST}{mei.pk}/change/"
    assert [item.name for item in staff.get(page).context["recommended"]] == ["Oats"]
    off, on = (f"{LIST}{mei.pk}/recommendations/{verb}/" for verb in ("withdraw", "allow"))
    assert off in staff.get(page).content.decode()
    assert "Only when the customer said so" in staff.get(off).content.decode()
    staff.post(off)
    assert not mei.recommendations.exists()
    assert AuditEvent.objects.get(action="customer.profiling_refused").actor == f"user:{staff.member.pk}"
    text = staff.get(page).content.decode()
    assert on in text
    assert "Oats" not in text
    staff.post(on)
    mei.refresh_from_db()
    assert mei.profiling_refused_at is None
    assert staff.post(f"{LIST}{mei.pk}/recommendations/perhaps/").status_code == 404


def test_recommendations_are_switched_off_by_who_may_note_consents(client, mei):
    roles.sync()
    member = UserFactory(is_staff=True, password=None)
    member.groups.add(Group.objects.get(name=roles.MARKETING))
    client.force_login(member)
    assert client.post(f"{LIST}{mei.pk}/recommendations/withdraw/").status_code == 403
    assert "/recommendations/withdraw/" not in client.get(f"{LIST}{mei.pk}/change/").content.decode()


def test_consent_for_an_unknown_purpose_is_not_found(staff, mei):
    assert staff.post(f"{LIST}{mei.pk}/consents/spam/allow/").status_code == 404
    assert staff.post(f"{LIST}{mei.pk}/consents/survey_email/perhaps/").status_code == 404


def test_acts_are_closed_for_who_left(staff, mei):
    Customer.objects.filter(pk=mei.pk).update(closed_at=rows.LATER)
    page = staff.get(f"{LIST}{mei.pk}/change/")
    assert [action["title"] for action in page.context["actions_detail"]] == ["Edit", "Hand out data", "Erase"]
