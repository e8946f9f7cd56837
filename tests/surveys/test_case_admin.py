"""Cases in the back office: the list, a case's page and its steps, a new one."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from loyalty_site import roles
from loyalty_site.lib import actors
from rewards.domain import points
from surveys.domain import case_mails, cases
from surveys.models import (
    Answer,
    Case,
    CaseChannel,
    CaseEventKind,
    CaseGesture,
    CaseMail,
    CaseOutcome,
    CaseState,
    GestureBudget,
    SurveyResponse,
)
from surveys.tasks import send_case_mails
from tests.factories.customers import CustomerFactory, PurchaseFactory, StoreFactory, UserFactory
from tests.factories.rewards import OfferFactory
from tests.factories.surveys import (
    CaseFactory,
    DeliveryFactory,
    GestureBudgetFactory,
    GestureOfferFactory,
    QuestionFactory,
)

pytestmark = pytest.mark.django_db
LIST = "/admin/surveys/case/"


@pytest.fixture
def store():
    return StoreFactory(name="North")


@pytest.fixture
def lena(store):
    roles.sync()
    user = UserFactory(password=None, email="lena@example.org")
    user.groups.add(Group.objects.get(name=roles.STORE_MANAGER))
    user.stores.add(store)
    return user


@pytest.fixture
def desk(client, lena):
    client.force_login(lena)
    return client


@pytest.fixture
def case(store, lena):
    customer = CustomerFactory(name="Mei Lin", email="mei@example.org", home_store=store)
    now = timezone.now()
    return cases.begin(
        channel=CaseChannel.HOTLINE,
        words="Stale bread",
        store=store,
        customer=customer,
        by=actors.user(lena.pk),
        at=now,
    )


def page_of(case, act=""):
    return reverse(f"admin:surveys_case_{act or 'change'}", args=[case.pk])


def do(desk, case, act, **told):
    case.refresh_from_db()
    return desk.post(page_of(case, act), {"version": case.version, **told})


def listed(desk, **asked):
    return [row.pk for row in desk.get(LIST, asked).context["cl"].result_list]


def test_store_manager_sees_the_cases_of_their_stores(desk, case):
    other, nobodys = CaseFactory(), CaseFactory(store=None)
    assert listed(desk) == [case.pk]
    assert [desk.get(page_of(one)).status_code for one in (case, other, nobodys)] == [200, 404, 404]
    assert desk.get(page_of(other, "note")).status_code == 404


def test_list_is_asked_for_what_matters(desk, case, lena, store):
    now = timezone.now()
    late = CaseFactory(store=store)
    wrote = CaseFactory(store=store, wrote_at=now, due_at=now + timedelta(days=1))
    over = CaseFactory(store=store, owner=lena, state=CaseState.CLOSED, closed_at=now, outcome=CaseOutcome.SOLVED)
    assert listed(desk) == [late.pk, wrote.pk, case.pk, over.pk]
    assert listed(desk, whose="mine") == [case.pk, over.pk]
    assert listed(desk, whose="nobody") == [late.pk, wrote.pk]
    assert listed(desk, **{"is": "overdue"}) == [late.pk]
    assert listed(desk, **{"is": "wrote"}) == [wrote.pk]
    assert listed(desk, **{"is": "closed"}) == [over.pk]
    assert listed(desk, **{"is": "waiting", "channel__exact": "COUNTER"}) == []
    assert listed(desk, q=str(late.pk)) == [late.pk]
    assert listed(desk, q="mei@example.org") == [case.pk]
    assert listed(desk, q="stale") == [late.pk, wrote.pk, case.pk, over.pk]
    assert listed(desk, q="\0") == []


def test_page_tells_the_story(desk, case, lena, store):
    by, now = actors.user(lena.pk), timezone.now()
    bought = PurchaseFactory(customer=case.customer, store=store, purchased_at=now, total_minor=1250)
    elsewhere = PurchaseFactory(customer=case.customer, purchased_at=now)
    cases.note(case=case, text="Called <b>twice</b>.", by=by, at=now)
    cases.note_event(
        case=case,
        kind=CaseEventKind.MAIL_IN,
        text="Thanks\n\nLena wrote:\n> Dear Mei",
        address="mei@example.org",
        attachments=["bill<i>.pdf"],
        by=by,
        at=now,
    )
    page = desk.get(page_of(case)).content.decode()
    for said in (
        "Stale bread",
        "Called &lt;b&gt;twice&lt;/b&gt;.",
        bought.receipt_number,
        "Thanks",
        "&gt; Dear Mei",
        "bill&lt;i&gt;.pdf",
        "lena@example.org",
        "mei@example.org",
        "North",
    ):
        assert said in page
    assert elsewhere.receipt_number not in page


def test_page_of_a_survey_shows_what_was_answered(desk, store, lena):
    delivery = DeliveryFactory(customer=CustomerFactory(home_store=store))
    question = QuestionFactory(survey=delivery.campaign.survey, text={"en": "How was it?"})
    given = SurveyResponse.objects.create(
        survey=question.survey,
        delivery=delivery,
        customer=delivery.customer,
        language="en",
        submitted_at=timezone.now(),
    )
    Answer.objects.create(response=given, question=question, number=2)
    case = cases.begin(
        channel=CaseChannel.SURVEY,
        words="2 · How was it?",
        store=store,
        customer=delivery.customer,
        response=given,
        by=actors.SYSTEM,
        at=timezone.now(),
    )
    page = desk.get(page_of(case)).content.decode()
    assert '<span class="bo-soft">How was it?</span> 2' in page


def test_page_costs_the_same_however_long_the_story_is(desk, case, lena):
    by, now = actors.user(lena.pk), timezone.now()

    def cost():
        with CaptureQueriesContext(connection) as captured:
            assert desk.get(page_of(case)).status_code == 200
        return len(captured)

    def more():
        cases.note(case=case, text="Again.", by=by, at=now)
        cases.assign(case=case, owner=lena, by=by, at=now)
        PurchaseFactory(customer=case.customer, store=case.store, purchased_at=now)

    more()
    desk.get(page_of(case))
    first = cost()
    for _ in range(4):
        more()
    assert cost() == first


def test_whole_way_from_the_phone_call_to_the_end(desk, case, lena, settings):
    settings.CASE_ADDRESS = "care@shop.example"
    GestureBudgetFactory(store=case.store)
    assert do(desk, case, "contacted", text="Called her.").status_code == 302
    assert do(desk, case, "give", points=50, reason="Stale.").status_code == 302
    assert points.summary(customer=case.customer, at=timezone.now()).balance == 50
    form = desk.get(page_of(case, "write")).context["form"]
    assert "Dear Mei Lin," in form.initial["text"]
    assert "50 points" in form.initial["text"]
    token = str(form["token"].value())
    assert do(desk, case, "write", token=token, text="Dear Mei").status_code == 302
    assert mail.outbox == []
    send_case_mails()
    assert mail.outbox[0].to == ["mei@example.org"]
    assert do(desk, case, "resolve", text="").status_code == 302
    assert do(desk, case, "close", outcome="SOLVED", text="").status_code == 302
    case.refresh_from_db()
    assert (case.state, case.outcome, case.owner) == (CaseState.CLOSED, "SOLVED", lena)
    assert "Open again" in desk.get(page_of(case)).content.decode()
    assert do(desk, case, "reopen", reason="She called.").status_code == 302
    case.refresh_from_db()
    assert case.state == CaseState.ASSIGNED


@pytest.mark.parametrize(
    ("fields", "first"),
    [
        ({}, "Write a mail"),
        ({"state": "CONTACTED"}, "Resolved"),
        ({"state": "CONTACTED", "wrote_at": timezone.now()}, "Write a mail"),
        ({"state": "RESOLVED"}, "Close"),
        ({"state": "NEW", "owner": None}, "Take it on"),
    ],
)
def test_next_step_comes_first(desk, case, fields, first):
    Case.objects.filter(pk=case.pk).update(**fields)
    steps = [str(step["title"]) for step in desk.get(page_of(case)).context["acts"]]
    assert steps[0] == first
    assert ("Take it on" in steps) == (first == "Take it on")


def test_gesture_is_taken_back(desk, case):
    GestureBudgetFactory(store=case.store)
    offer = GestureOfferFactory(offer=OfferFactory(title={"en": "Tea"}))
    do(desk, case, "give", offer=offer.pk, reason="Stale.")
    assert "Tea" in desk.get(page_of(case)).content.decode()
    assert CaseGesture.objects.get().coupon.display_code in case_mails.greeting(case)
    do(desk, case, "take_back", reason="Wrong customer.")
    gesture = CaseGesture.objects.get()
    assert (gesture.undone_by, gesture.budget.spent_minor) == (f"user:{case.owner_id}", 0)


@pytest.mark.parametrize("told", [{}, {"points": 5, "offer": "own"}, {"points": 0}, {"offer": 999}, {"points": 5000}])
def test_gesture_that_cannot_be_is_refused_in_words(desk, case, told):
    GestureBudgetFactory(store=case.store)
    own = GestureOfferFactory().pk
    told = {name: own if value == "own" else value for name, value in told.items()}
    page = do(desk, case, "give", reason="Stale.", **told)
    assert (page.status_code, bool(page.context["form"].errors)) == (200, True)
    assert not CaseGesture.objects.exists()


def test_who_changed_it_meanwhile_is_not_overruled(desk, case):
    old = case.version
    cases.put_off(
        case=case,
        due_at=timezone.now() + timedelta(days=9),
        reason="Away.",
        by=actors.user(case.owner_id),
        at=timezone.now(),
    )
    page = desk.post(page_of(case, "resolve"), {"version": old, "text": ""})
    assert "Somebody else changed this case meanwhile" in page.content.decode()
    case.refresh_from_db()
    assert case.state == CaseState.ASSIGNED


def test_case_is_given_to_somebody_and_to_another_store(desk, case, lena, store):
    anna = UserFactory(password=None)
    anna.groups.add(Group.objects.get(name=roles.STORE_MANAGER))
    anna.stores.add(store)
    do(desk, case, "assign", owner=anna.pk)
    case.refresh_from_db()
    assert case.owner == anna
    do(desk, case, "take")
    case.refresh_from_db()
    assert case.owner == lena
    other = StoreFactory()
    answer = do(desk, case, "pass_on", store=other.pk)
    assert (answer.status_code, answer.url) == (302, LIST)
    case.refresh_from_db()
    assert (case.store, case.owner, case.state) == (other, None, CaseState.NEW)


def test_due_time_is_changed(desk, case):
    do(desk, case, "put_off", hours=100, reason="She is away.")
    case.refresh_from_db()
    assert timedelta(hours=99) < case.due_at - timezone.now() <= timedelta(hours=100)


def test_customer_without_an_address_is_not_written_to(desk, case):
    case.customer.email, case.customer.phone = "", "+8613812345678"
    case.customer.save()
    page = do(desk, case, "write", token="7c1a2b0e-6f3d-4a44-8f0e-3d6f1a2b3c4d", text="Dear Mei")
    assert "No e-mail address is known" in page.content.decode()
    assert not CaseMail.objects.exists()


def test_new_case_of_a_customer_who_was_looked_up(desk, lena, store):
    mei = CustomerFactory(name="Mei Lin", phone="+8613812345678")
    add = reverse("admin:surveys_case_add")
    found = desk.get(add, {"q": "+8613812345678"})
    assert f"?customer={mei.number}" in found.content.decode()
    address = f"{add}?customer={mei.number}"
    assert "address" not in desk.get(address).context["form"].fields
    told = {"words": "Rude cashier", "channel": "COUNTER", "store": store.pk, "severity": "SERIOUS", "hours": 4}
    token = desk.get(address).context["form"]["token"].value()
    answers = {desk.post(address, {**told, "token": token}).url for _click in range(2)}
    case = Case.objects.get()
    assert answers == {page_of(case)}
    assert (case.customer, case.channel, case.severity, case.owner) == (mei, "COUNTER", "SERIOUS", lena)
    assert (case.due_at - case.opened_at, case.opened_by) == (timedelta(hours=4), f"user:{lena.pk}")
    again = desk.get(address).content.decode()
    assert "Rude cashier" in again


def test_stranger_has_a_case_with_an_address(desk, store):
    told = {"words": "Dirty floor", "channel": "SOCIAL", "store": store.pk, "severity": "NORMAL", "hours": 48}
    desk.post(reverse("admin:surveys_case_add"), {**told, "address": "tom@example.net"})
    case = Case.objects.get()
    assert (case.customer, case.address) == (None, "tom@example.net")


@pytest.mark.parametrize(
    "wrong",
    [
        {"words": " "},
        {"channel": "SURVEY"},
        {"store": ""},
        {"store": "other"},
        {"hours": 0},
        {"hours": 10**9},
        {"words": "\0"},
        {"token": "not one"},
    ],
)
def test_new_case_that_makes_no_sense_is_refused_in_words(desk, store, wrong):
    right = {"words": "Dirty floor", "channel": "SOCIAL", "store": store.pk, "severity": "NORMAL", "hours": 48}
    told = {**right, "token": uuid4(), **wrong}
    told["store"] = StoreFactory().pk if told["store"] == "other" else told["store"]
    page = desk.post(reverse("admin:surveys_case_add"), told)
    assert (page.status_code, list(page.context["form"].errors)) == (200, list(wrong))
    assert not Case.objects.exists()


def test_customers_page_shows_cases_of_own_stores_and_leads_to_a_new_one(desk, case):
    other = CaseFactory(customer=case.customer, subject="Elsewhere")
    page = desk.get(reverse("admin:customers_customer_change", args=[case.customer_id]))
    assert [row.pk for row in page.context["cases"]] == [case.pk]
    assert f"{reverse('admin:surveys_case_add')}?customer={case.customer.number}" in page.content.decode()
    assert other.subject not in page.content.decode()


def test_first_page_counts_what_is_overdue_in_own_stores(desk, store, case):
    CaseFactory(store=store)
    CaseFactory()
    page = desk.get("/admin/")
    (item,) = [item for item in page.context["attention"] if "overdue" in item["text"]]
    assert (item["text"], item["url"]) == ("1 case is overdue.", f"{LIST}?is=overdue")
    (figure,) = [figure for figure in page.context["figures"] if figure.title == "Open cases"]
    assert (figure.value, figure.note) == ("2", "1 overdue")


def test_marketing_reads_and_changes_nothing(client, case):
    user = UserFactory(password=None)
    user.groups.add(Group.objects.get(name=roles.MARKETING))
    client.force_login(user)
    page = client.get(page_of(case))
    assert (page.status_code, page.context["acts"]) == (200, [])
    assert client.get(reverse("admin:surveys_case_add")).status_code == 403
    assert client.post(page_of(case, "note"), {"text": "Hello"}).status_code == 403


def test_owner_writes_a_budget_for_a_month(client, store):
    client.force_login(UserFactory(is_superuser=True, password=None))
    add = reverse("admin:surveys_gesturebudget_add")
    client.post(add, {"store": store.pk, "month": "2026-11-17", "points_max": 500, "budget_minor": "120.50"})
    budget = GestureBudget.objects.get()
    assert (f"{budget.month}", budget.points_max, budget.budget_minor) == ("2026-11-01", 500, 12_050)
    GestureBudget.objects.update(points_spent=300)
    change = reverse("admin:surveys_gesturebudget_change", args=[budget.pk])
    page = client.post(change, {"points_max": 299, "budget_minor": "120.50"})
    assert "points_max" in page.context["adminform"].form.errors
    again = client.post(add, {"store": store.pk, "month": "2026-11-02", "points_max": 1, "budget_minor": "1"})
    assert again.status_code == 200
