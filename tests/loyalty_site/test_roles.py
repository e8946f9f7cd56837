"""What each role sees and may do in the back office."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.urls import reverse

from customers.models import Customer, Purchase, Till
from loyalty_site import roles
from loyalty_site.lib.admin import ReadOnlyAdmin
from rewards.models import Program
from surveys.admin.case import CaseAdmin
from tests.factories.customers import PurchaseFactory, StoreFactory, UserFactory
from tests.loyalty_site import rows

pytestmark = pytest.mark.django_db

OURS = [model for model in admin.site._registry if model._meta.app_label in roles.APPS]
EVERYTHING = {model._meta.label_lower for model in OURS}
SEEN = {
    roles.OWNER: EVERYTHING,
    roles.AUDITOR: EVERYTHING,
    roles.STORE_MANAGER: {
        "customers.attemptcount",
        "customers.card",
        "customers.category",
        "customers.consent",
        "customers.customer",
        "customers.customermerge",
        "customers.preference",
        "customers.product",
        "customers.productrating",
        "customers.purchase",
        "customers.purchasereturn",
        "customers.rhythm",
        "customers.segment",
        "customers.segmentmember",
        "customers.store",
        "customers.till",
        "rewards.codebatch",
        "rewards.coupon",
        "rewards.offer",
        "rewards.pointsaccount",
        "rewards.pointsadjustment",
        "rewards.pointsentry",
        "rewards.pointshold",
        "rewards.reward",
        "rewards.rewardredemption",
        "rewards.surprise",
        "rewards.tier",
        "rewards.tierchange",
        "rewards.tiermembership",
        "surveys.case",
        "surveys.casemail",
        "surveys.gesturebudget",
        "surveys.gestureoffer",
        "surveys.openlink",
        "surveys.survey",
        "surveys.surveyresponse",
    },
    roles.MARKETING: {
        "customers.category",
        "customers.consent",
        "customers.customer",
        "customers.outboxmail",
        "customers.suppressedaddress",
        "customers.preference",
        "customers.product",
        "customers.productrating",
        "customers.recommendationrun",
        "customers.purchase",
        "customers.rhythm",
        "customers.segment",
        "customers.segmentmember",
        "customers.store",
        "rewards.codebatch",
        "rewards.coupon",
        "rewards.earningrule",
        "rewards.experiment",
        "rewards.gesturemail",
        "rewards.gesturetext",
        "rewards.mailing",
        "rewards.mailingmail",
        "rewards.mailserver",
        "rewards.offer",
        "rewards.pointsaccount",
        "rewards.pointsentry",
        "rewards.pointsnotice",
        "rewards.program",
        "rewards.reward",
        "rewards.rewardpicture",
        "rewards.rewardredemption",
        "rewards.surprise",
        "rewards.surpriserule",
        "rewards.tier",
        "rewards.tierchange",
        "rewards.tiermembership",
        "surveys.campaign",
        "surveys.case",
        "surveys.delivery",
        "surveys.gesturebudget",
        "surveys.gestureoffer",
        "surveys.openlink",
        "surveys.survey",
        "surveys.surveyresponse",
    },
    roles.CASHIER: {"customers.customer", "rewards.reward", "rewards.rewardredemption"},
}
ACTS = {
    "customers_customer_adjust_points": (rows.Customer, {roles.OWNER, roles.STORE_MANAGER}),
    "customers_customer_issue_coupon": (rows.Customer, {roles.OWNER, roles.STORE_MANAGER, roles.MARKETING}),
    "customers_customer_merge_into": (rows.Customer, {roles.OWNER, roles.STORE_MANAGER}),
    "customers_customer_close": (rows.Customer, {roles.OWNER, roles.STORE_MANAGER}),
    "customers_customer_erase": (rows.Customer, {roles.OWNER}),
    "customers_customer_hand_out": (rows.Customer, {roles.OWNER}),
    "customers_customermerge_undo": (rows.CustomerMerge, {roles.OWNER, roles.STORE_MANAGER}),
    "customers_customer_edit": (rows.Customer, {roles.OWNER, roles.STORE_MANAGER}),
    "customers_segment_add_members": (rows.Segment, {roles.OWNER, roles.MARKETING}),
    "customers_segment_remove_members": (rows.Segment, {roles.OWNER, roles.MARKETING}),
    "customers_segment_edit_filters": (rows.Segment, {roles.OWNER, roles.MARKETING}),
    "customers_segment_refresh_now": (rows.Segment, {roles.OWNER, roles.MARKETING}),
    "customers_segment_remove": (rows.Segment, {roles.OWNER, roles.MARKETING}),
    "rewards_offer_copy": (rows.Offer, {roles.OWNER, roles.MARKETING}),
    "customers_till_revoke": (rows.Till, {roles.OWNER, roles.STORE_MANAGER}),
    "customers_user_set_password": (rows.User, {roles.OWNER}),
    "rewards_coupon_roll_back": (rows.Coupon, {roles.OWNER, roles.STORE_MANAGER, roles.MARKETING}),
    "rewards_coupon_void": (rows.Coupon, {roles.OWNER, roles.STORE_MANAGER, roles.MARKETING}),
    "rewards_earningrule_new_version": (rows.EarningRule, {roles.OWNER, roles.MARKETING}),
    "rewards_experiment_report": (rows.Experiment, {roles.OWNER, roles.MARKETING, roles.AUDITOR}),
    "rewards_offer_publish": (rows.Offer, {roles.OWNER, roles.MARKETING}),
    "rewards_offer_withdraw": (rows.Offer, {roles.OWNER, roles.MARKETING}),
    "rewards_surpriserule_activate": (rows.SurpriseRule, {roles.OWNER, roles.MARKETING}),
    "rewards_surpriserule_end": (rows.SurpriseRule, {roles.OWNER, roles.MARKETING}),
    "rewards_surpriserule_draws": (rows.SurpriseRule, {roles.OWNER, roles.AUDITOR}),
    "rewards_pointsadjustment_approve": (rows.PointsAdjustment, {roles.OWNER}),
    "rewards_pointsadjustment_refuse": (rows.PointsAdjustment, {roles.OWNER}),
    "rewards_reward_set_picture": (rows.Reward, {roles.OWNER, roles.MARKETING}),
    "rewards_reward_remove_picture": (rows.Reward, {roles.OWNER, roles.MARKETING}),
    "rewards_rewardredemption_hand_over": (
        rows.RewardRedemption,
        {roles.OWNER, roles.STORE_MANAGER, roles.CASHIER},
    ),
    "rewards_rewardredemption_cancel": (rows.RewardRedemption, {roles.OWNER, roles.STORE_MANAGER, roles.CASHIER}),
    "rewards_staffalert_seen": (rows.StaffAlert, {roles.OWNER}),
    "surveys_campaign_schedule": (rows.Campaign, {roles.OWNER, roles.MARKETING}),
    "surveys_campaign_cancel": (rows.Campaign, {roles.OWNER, roles.MARKETING}),
    **{f"surveys_case_{act}": (rows.Case, {roles.OWNER, roles.STORE_MANAGER}) for act in CaseAdmin.actions_detail},
    "surveys_casemail_send_again": (rows.CaseMail, {roles.OWNER, roles.STORE_MANAGER}),
    "surveys_survey_copy": (rows.Survey, {roles.OWNER, roles.MARKETING}),
    "surveys_openlink_close": (rows.OpenLink, {roles.OWNER, roles.MARKETING}),
    "surveys_survey_trial_mail": (rows.Survey, {roles.OWNER, roles.MARKETING}),
    "surveys_survey_preview": (
        rows.Survey,
        {roles.OWNER, roles.STORE_MANAGER, roles.MARKETING, roles.AUDITOR},
    ),
    "surveys_survey_publish": (rows.Survey, {roles.OWNER, roles.MARKETING}),
    "surveys_survey_results": (
        rows.Survey,
        {roles.OWNER, roles.STORE_MANAGER, roles.MARKETING, roles.AUDITOR},
    ),
}


@pytest.fixture(scope="module", autouse=True)
def _roles(django_db_setup, django_db_blocker):
    """Once for all tests: each works in a transaction that is rolled back, after which the groups are as they were."""
    with django_db_blocker.unblock():
        roles.sync()
    yield
    with django_db_blocker.unblock():
        Group.objects.all().delete()


@pytest.fixture
def enter(client):
    """Signs somebody of a role in, who belongs to these stores."""

    def enter(role, stores=()):
        user = UserFactory(password=None)
        user.groups.add(Group.objects.get(name=role))
        user.stores.set(stores)
        client.force_login(user)
        return client

    return enter


@pytest.fixture(scope="module")
def answers():
    """What each role was answered by each address of the empty shop: the menu leads to lists that were asked before."""
    return {}


@pytest.fixture
def answer(enter, answers):
    """The status of a page for a role that belongs to no store, while the shop has no rows."""

    def answer(role, address):
        if (role, address) not in answers:
            answers[role, address] = enter(role).get(address).status_code
        return answers[role, address]

    return answer


def url(model, page, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def test_sync_makes_the_same_groups_again_and_again():
    group = Group.objects.get(name=roles.CASHIER)
    group.permissions.clear()
    Group.objects.get(name=roles.AUDITOR).delete()
    call_command("sync_roles", verbosity=0)
    assert set(Group.objects.values_list("name", flat=True)) == set(roles.ROLES)
    held = {f"{p.content_type.app_label}.{p.codename}" for p in group.permissions.select_related("content_type")}
    assert held == roles.permissions_of(roles.CASHIER)


def test_cashier_holds_nothing_more_than_the_table_says():
    assert roles.permissions_of(roles.CASHIER) == {
        "customers.view_customer",
        "customers.add_customer",
        "customers.add_purchase",
        "rewards.view_reward",
        "rewards.view_rewardredemption",
        "rewards.change_rewardredemption",
        "surveys.add_case",
    }


@pytest.mark.parametrize("role", roles.ROLES)
def test_role_opens_its_lists_and_no_others(answer, role):
    answers = {model._meta.label_lower: answer(role, url(model, "changelist")) for model in OURS}
    opened = {name for name, status in answers.items() if status in (200, 302)}
    assert opened == SEEN[role]
    assert set(answers.values()) - {200, 302, 403} == set()


@pytest.mark.parametrize("role", roles.ROLES)
def test_menu_holds_only_what_opens(enter, answer, role):
    menu = enter(role).get("/admin/").context["sidebar_navigation"]
    links = [item["link"] for group in menu for item in group["items"]]
    assert links[0] == "/admin/"
    assert {answer(role, link) for link in links} <= {200, 302}


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
def test_auditor_reads_every_row_and_changes_none(enter, model):
    row, client = rows.make(model), enter(roles.AUDITOR)
    assert client.get(url(model, "change", row.pk)).status_code == 200
    assert client.get(url(model, "add")).status_code == 403
    assert client.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    if model is not Customer and model._meta.label != "customers.OutboxMail":  # their pages only show
        assert client.post(url(model, "change", row.pk), {}).status_code == 403


@pytest.mark.parametrize("act", ACTS)
def test_act_is_open_to_its_roles_alone(enter, act):
    model, allowed = ACTS[act]
    row = rows.make(model)
    page = reverse(f"admin:{act}", args=[row.pk])
    assert {role for role in roles.ROLES if enter(role).get(page).status_code == 200} == allowed


def test_store_manager_sees_purchases_of_their_stores_alone(enter):
    mine, other = PurchaseFactory(), PurchaseFactory()
    client = enter(roles.STORE_MANAGER, [mine.store])
    listed = client.get(url(Purchase, "changelist")).context["cl"].result_list
    assert [row.pk for row in listed] == [mine.pk]
    assert client.get(url(Purchase, "change", mine.pk)).status_code == 200
    assert client.get(url(Purchase, "change", other.pk)).url == "/admin/"
    found = client.get(url(Purchase, "changelist"), {"q": other.receipt_number}).context["cl"].result_list
    assert list(found) == []


def test_store_manager_sees_every_customer_but_only_own_purchases_on_their_page(enter):
    customer = rows.make(Customer)
    mine, other = PurchaseFactory(customer=customer), PurchaseFactory(customer=customer)
    client = enter(roles.STORE_MANAGER, [mine.store])
    page = client.get(url(Customer, "change", customer.pk))
    assert page.context["purchases"] == [mine]
    assert other.receipt_number not in page.content.decode()


def test_store_manager_makes_tills_in_their_stores_alone(enter):
    mine, other = StoreFactory(), StoreFactory()
    client = enter(roles.STORE_MANAGER, [mine])
    refused = client.post(url(Till, "add"), {"store": other.pk, "name": "Till 1", "scopes": ["sell"]})
    assert "store" in refused.context["adminform"].form.errors
    assert client.post(url(Till, "add"), {"store": mine.pk, "name": "Till 1", "scopes": ["sell"]}).status_code == 200
    assert [till.store for till in Till.objects.all()] == [mine]


def test_owner_by_role_does_not_rise_above(enter):
    above = UserFactory(is_superuser=True, password=None)
    client = enter(roles.OWNER)
    assert client.post(url(rows.User, "change", above.pk), {"email": "mine@example.org"}).status_code == 403
    assert client.get(reverse("admin:customers_user_set_password", args=[above.pk])).status_code == 403
    member = UserFactory(password=None)
    client.post(
        url(rows.User, "change", member.pk),
        {"email": member.email, "is_active": "on", "is_superuser": "on", "user_permissions": ["1"]},
    )
    member.refresh_from_db()
    assert not member.is_superuser
    assert not member.user_permissions.exists()


def test_permissions_of_acts_exist():
    """A typing error in a permission's name would close an act to everybody but superusers."""
    known = {permission for role in (roles.OWNER,) for permission in roles.permissions_of(role)}
    asked = {
        permission
        for model_admin in admin.site._registry.values()
        for act in (*model_admin._get_base_actions_detail(), *model_admin._get_base_actions_list())
        for permission in act.method.allowed_permissions
    }
    assert asked <= known
    assert asked


def test_rows_of_the_domain_have_no_form_for_any_role():
    read_only = {model for model, page in admin.site._registry.items() if isinstance(page, ReadOnlyAdmin)}
    assert Purchase in read_only
    assert Program not in read_only
