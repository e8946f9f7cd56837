"""Merging, separating, closing and erasing in the back office."""

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse

from customers.models import Customer, CustomerMerge
from loyalty_site import roles
from loyalty_site.lib import actors
from rewards.domain import merges, points
from rewards.models import Coupon
from tests.factories.customers import CardFactory, CustomerFactory, PurchaseFactory, UserFactory
from tests.factories.rewards import CouponFactory
from tests.loyalty_site import rows

pytestmark = pytest.mark.django_db

LIST = "/admin/customers/customer/"


@pytest.fixture
def staff(client):
    roles.sync()
    client.member = UserFactory(password=None)
    client.member.groups.add(Group.objects.get(name=roles.OWNER))
    client.force_login(client.member)
    return client


@pytest.fixture
def old():
    old = CustomerFactory(name="Mei", email="old@example.org", phone="+8613812345678", number="C7K294QX")
    CardFactory(customer=old, number="old-card")
    points.award(customer=old, points=100, reference="test:1", by=actors.SYSTEM, at=rows.AT)
    return old


@pytest.fixture
def kept():
    kept = CustomerFactory(name="Mei Lin", email="mei@example.org", number="HTG2MWWK")
    points.award(customer=kept, points=20, reference="test:1", by=actors.SYSTEM, at=rows.AT)
    return kept


def act(row, name):
    return reverse(f"admin:customers_{row._meta.model_name}_{name}", args=[row.pk])


def texts(page):
    return {str(row.label): (row.source, row.target, row.after, row.is_lost) for row in page.context["rows"]}


@pytest.mark.parametrize("text", ["Mei L", "mei@example.org", "HTG2-MWWK", "new-card"])
def test_the_other_is_searched_by_whatever_they_tell(staff, old, kept, text):
    CardFactory(customer=kept, number="new-card")
    gone = CustomerFactory(name="Mei Left", closed_at=rows.AT)
    page = staff.get(act(old, "merge_into"), {"q": text})
    assert page.context["found"] == [kept]
    assert f"?into={kept.pk}" in page.content.decode()
    assert gone not in page.context["found"]


def test_nobody_is_found_by_their_own_number(staff, old):
    page = staff.get(act(old, "merge_into"), {"q": "C7K294QX"})
    assert "Nobody else is found by that." in page.content.decode()


def test_the_preview_says_what_will_be(staff, old, kept):
    PurchaseFactory(customer=old)
    CouponFactory(customer=old)
    page = staff.get(act(old, "merge_into"), {"into": kept.pk})
    shown = texts(page)
    assert shown["Name"] == ("Mei", "Mei Lin", "Mei Lin", True)
    assert shown["Phone"] == ("+8613812345678", "", "+8613812345678", False)
    assert shown["Points"] == ("100 points", "20 points", "120 points", False)
    assert shown["Purchases"] == ("1", "0", "1", False)
    assert shown["Coupons to use"] == ("1", "0", "1", False)
    assert shown["Numbers and cards"] == ("2", "1", "3", False)
    assert shown["Allows: surveys by e-mail"] == ("no", "no", "no", False)
    assert not CustomerMerge.objects.exists()


def test_merging_leads_to_the_target_whose_page_tells_of_it(staff, old, kept):
    CouponFactory(customer=old)
    url = f"{act(old, 'merge_into')}?into={kept.pk}"
    answer = staff.post(url, {"reason": "lost the first card"}, follow=True)
    merge = CustomerMerge.objects.get()
    assert answer.redirect_chain == [(f"{LIST}{kept.pk}/change/", 302)]
    assert "C7K2-94QX is now part of HTG2-MWWK." in answer.content.decode()
    assert (merge.reason, merge.merged_by) == ("lost the first card", f"user:{staff.member.pk}")
    assert answer.context["summary"].balance == 120
    assert answer.context["merges"] == [merge]
    assert Coupon.objects.get().customer == kept


def test_a_merge_needs_a_reason(staff, old, kept):
    answer = staff.post(f"{act(old, 'merge_into')}?into={kept.pk}", {"reason": " "})
    assert "reason" in answer.context["form"].errors
    assert not CustomerMerge.objects.exists()


def test_a_double_click_is_told_that_it_is_done(staff, old, kept):
    url = f"{act(old, 'merge_into')}?into={kept.pk}"
    staff.post(url, {"reason": "once"})
    answer = staff.post(url, {"reason": "once"})
    assert answer.context["form"].non_field_errors() == [
        "This customer was merged with another one just now. Please look them up again."
    ]
    assert CustomerMerge.objects.count() == 1


@pytest.mark.parametrize("into", ["", "x", "0", "999999", "99999999999999999999"])
def test_nonsense_in_the_address_merges_nobody(staff, old, into):
    answer = staff.post(f"{act(old, 'merge_into')}?into={into}", {"reason": "why"})
    assert answer.status_code in (200, 404)
    assert not CustomerMerge.objects.exists()


def test_the_page_of_who_was_merged_says_where_they_are(staff, old, kept):
    merges.merge(source=old, target=kept, reason="", by=actors.SYSTEM, at=rows.LATER)
    page = staff.get(f"{LIST}{old.pk}/change/")
    assert f'Now part of <a href="{LIST}{kept.pk}/change/">Mei Lin</a>.' in page.content.decode()
    assert page.context["actions_detail"] == []


def test_undo_from_the_list_of_merges(staff):
    merge = rows.make(CustomerMerge)
    page = staff.get(reverse("admin:customers_customermerge_change", args=[merge.pk]))
    assert [action["title"] for action in page.context["actions_detail"]] == ["Undo"]
    assert "points: 480" in page.content.decode()
    answer = staff.post(act(merge, "undo"), follow=True)
    merge.refresh_from_db()
    assert "They are two customers again." in answer.content.decode()
    assert merge.undone_by == f"user:{staff.member.pk}"
    assert answer.context["actions_detail"] == []
    assert Customer.objects.filter(merged_into__isnull=False).count() == 0


@pytest.mark.parametrize("text", ["old-card", "old@example.org", "HTG2MWWK"])
def test_merges_are_found_by_either_customer(staff, old, kept, text):
    merge = merges.merge(source=old, target=kept, reason="", by=actors.SYSTEM, at=rows.LATER)
    rows.make(CustomerMerge)
    found = staff.get("/admin/customers/customermerge/", {"q": text}).context["cl"].result_list
    assert list(found) == [merge]


def test_closing_and_erasing_ask_first(staff, old):
    for name in ("close", "erase"):
        assert staff.get(act(old, name)).status_code == 200
    old.refresh_from_db()
    assert (old.closed_at, old.erased_at) == (None, None)
    assert "has left the programme" in staff.post(act(old, "close"), follow=True).content.decode()
    page = staff.post(act(old, "erase"), follow=True)
    old.refresh_from_db()
    assert (old.name, old.erased_at is not None) == ("", True)
    assert page.context["actions_detail"] == []
    assert "C7K2-94QX" in page.content.decode()


def test_a_mail_address_that_a_merged_row_keeps_is_told(staff, old, kept):
    merges.merge(source=old, target=kept, reason="", by=actors.SYSTEM, at=rows.LATER)
    told = {"name": "Mei Lin", "email": "old@example.org", "phone": "", "language": "en"}
    answer = staff.post(act(kept, "edit"), told)
    assert answer.context["adminform"].form.errors["email"] == ["This already belongs to customer C7K2-94QX."]
