"""Every page of the back office, as the owner sees it."""

from copy import copy

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from customers.models import Customer, Purchase, RecommendationRun
from loyalty_site.lib.admin import ModelAdmin, ReadOnlyAdmin
from rewards.models import MailServer, PointsEntry, Program
from tests.factories.customers import UserFactory
from tests.loyalty_site import rows

pytestmark = pytest.mark.django_db

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
# Of these there is one row, and of the last nothing to look for.
LISTED = [model for model in MODELS if model not in (MailServer, Program, RecommendationRun)]
READ_ONLY = [model for model in MODELS if isinstance(admin.site._registry[model], ReadOnlyAdmin)]


def label(model):
    return model._meta.label


def url(model, page, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def queries(client, address):
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


@pytest.fixture(scope="module")
def signed_in(django_db_setup, django_db_blocker):
    """The cookies of an owner, who signs in once: each test works in a transaction that is rolled back."""
    with django_db_blocker.unblock():
        user, client = UserFactory(is_superuser=True, password=None), Client()
        client.force_login(user)
    yield client.cookies
    with django_db_blocker.unblock():
        client.logout()
        user.delete()


@pytest.fixture
def owner(client, signed_in):
    client.cookies = copy(signed_in)
    return client


def test_every_page_is_of_our_own_kind():
    assert [label(model) for model in MODELS if not isinstance(admin.site._registry[model], ModelAdmin)] == []


def test_roles_and_proofs_of_identity_are_not_editable_rows():
    assert {"auth.Group", "account.EmailAddress", "mfa.Authenticator", "customers.SignInCode"} & {
        label(model) for model in MODELS
    } == set()


@pytest.mark.parametrize("model", LISTED, ids=label)
def test_list_costs_the_same_queries_with_one_row_and_three(owner, model):
    rows.make(model)
    address = url(model, "changelist")
    owner.get(address)  # fills what is read once a process
    with_one = queries(owner, address)
    rows.make(model)
    rows.make(model)
    assert queries(owner, address) == with_one


@pytest.mark.parametrize("model", MODELS, ids=label)
def test_row_has_a_page(owner, model):
    row = rows.make(model)
    assert owner.get(url(model, "change", row.pk)).status_code == 200


@pytest.mark.parametrize("model", MODELS, ids=label)
def test_form_to_add_opens_where_rows_are_added_by_hand(owner, model):
    may_add = admin.site._registry[model].has_add_permission(owner.get("/healthz").wsgi_request)
    assert owner.get(url(model, "add")).status_code == (200 if may_add else 403)


@pytest.mark.parametrize("sent", ["abc", "-1", "99999999999999999999", "½", ""])
@pytest.mark.parametrize(
    "model", [model for model in MODELS if admin.site._registry[model].autocomplete_fields], ids=label
)
def test_form_that_was_sent_no_row_is_shown_again(owner, model, sent):
    page = admin.site._registry[model]
    if not page.has_add_permission(owner.get("/healthz").wsgi_request):
        address = url(model, "change", rows.make(model).pk)
    else:
        address = url(model, "add")
    assert owner.post(address, dict.fromkeys(page.autocomplete_fields, sent)).status_code in (200, 403)


@pytest.mark.parametrize("model", LISTED, ids=label)
def test_search_finds_nothing_for_nobody(owner, model):
    rows.make(model)
    page = owner.get(url(model, "changelist"), {"q": "nobody-at-all"})
    assert list(page.context["cl"].result_list) == []


@pytest.mark.parametrize("asked", ["q=99999999999999999999", "p=0", "p=9999999", "o=77", "unknown=1"])
@pytest.mark.parametrize("model", [Customer, Purchase, PointsEntry], ids=label)
def test_odd_questions_are_answered(owner, model, asked):
    rows.make(model)
    assert owner.get(f"{url(model, 'changelist')}?{asked}", follow=True).status_code == 200


@pytest.mark.parametrize("model", READ_ONLY, ids=label)
def test_rows_of_the_domain_are_not_written_by_forms(owner, model):
    row, count = rows.make(model), model._default_manager.count()
    pages = [url(model, "add"), url(model, "change", row.pk), url(model, "delete", row.pk)]
    if label(model) == "rewards.EarningRule":
        pages.remove(url(model, "add"))  # a new rule goes through the domain
    for page in pages:
        if "outboxmail" in page and "change" in page:
            assert owner.post(page).status_code == 200  # the mail as it is
            continue
        assert owner.post(page, {"points": "9", "post": "yes"}).status_code == 403
    assert model._default_manager.count() == count


def test_list_of_a_ledger_offers_no_bulk_acts(owner):
    rows.make(PointsEntry)
    page = owner.get(url(PointsEntry, "changelist")).content.decode()
    assert "_selected_action" not in page
    owner.post(url(PointsEntry, "changelist"), {"action": "delete_selected", "_selected_action": "1", "post": "yes"})
    assert PointsEntry.objects.exists()


def test_program_leads_to_its_only_row(owner):
    assert owner.get(url(Program, "changelist")).url == url(Program, "add")
    program = rows.make(Program)
    assert owner.get(url(Program, "changelist")).url == url(Program, "change", program.pk)
    assert owner.get(url(Program, "add")).status_code == 403


def test_nobody_enters_without_signing_in(client):
    answer = client.get("/admin/", follow=True)
    assert answer.redirect_chain[-1][0] == "/staff/login/?next=%2Fadmin%2F"


@pytest.mark.parametrize("model", [model for model in LISTED if admin.site._registry[model].list_filter], ids=label)
def test_each_filter_answers(owner, model):
    rows.make(model)
    specs = owner.get(url(model, "changelist")).context["cl"].filter_specs
    asked = {
        f"{name}=1" if "id__exact" in name else f"{name}=yes" for spec in specs for name in spec.expected_parameters()
    }
    assert {owner.get(f"{url(model, 'changelist')}?{query}", follow=True).status_code for query in asked} == {200}


@pytest.mark.parametrize("model", LISTED, ids=label)
def test_first_column_opens_the_row(model):
    """The theme names any other first column "Select record" on a phone."""
    page = admin.site._registry[model]
    assert not page.list_display_links or page.list_display[0] in page.list_display_links
