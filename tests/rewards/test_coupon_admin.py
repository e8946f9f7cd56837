"""Coupons in the back office: their uses, what comes back, many made void at once, codes for everybody."""

import pytest
from django.contrib.admin import helpers
from django.urls import reverse

from customers.models import AuditEvent
from loyalty_site.lib.actors import till, user
from rewards.admin import coupon as coupon_admin
from rewards.domain import coupon_holds, coupon_redemptions
from rewards.models import Coupon, CouponState, OfferKind
from tests.factories.customers import UserFactory
from tests.factories.rewards import CouponFactory, CouponRedemptionFactory, OfferFactory

pytestmark = pytest.mark.django_db
LIST = "/admin/rewards/coupon/"


@pytest.fixture
def staff(client):
    client.force_login(UserFactory(is_superuser=True))
    return client


@pytest.fixture
def gift(now):
    coupon = CouponFactory(offer=OfferFactory(kind=OfferKind.GIFT, amount_minor=None))
    coupon_redemptions.redeem(coupon=coupon, customer=None, by=till(3), at=now)
    coupon.refresh_from_db()
    return coupon


def page(name, *arguments):
    return reverse(f"admin:rewards_coupon_{name}", args=arguments)


def states():
    return dict(Coupon.objects.values_list("pk", "state"))


def test_page_shows_each_use_what_came_back_and_what_is_held(staff, gift, now):
    coupon_redemptions.roll_back(redemption=gift.redemptions.get(), reason="spilled", by=user(1), at=now)
    kept = {"coupon": gift, "customer": None, "by": till(4), "at": now}
    gift.refresh_from_db()
    coupon_holds.hold(**kept, ttl=now - now.replace(minute=0))
    shown = staff.get(page("change", gift.pk)).content.decode()
    for text in ("till 3", "spilled", "till 4", "Uses at most"):
        assert text in shown


def test_page_of_a_code_for_everybody_shows_the_newest_uses(staff, now, monkeypatch):
    monkeypatch.setattr(coupon_admin, "NEWEST", 2)
    coupon = CouponFactory(is_public=True, code="SPRING26", uses_max=None)
    CouponRedemptionFactory.create_batch(2, coupon=CouponFactory())
    used = CouponRedemptionFactory.create_batch(3, coupon=coupon)
    shown, _holds = staff.get(page("change", coupon.pk)).context["inline_admin_formsets"]
    assert [form.instance for form in shown.formset.forms] == used[:0:-1]


def test_gift_comes_back_with_a_reason(staff, gift):
    assert "reason" in staff.post(page("roll_back", gift.pk), {}).context["form"].errors
    staff.post(page("roll_back", gift.pk), {"reason": "never fetched"})
    gift.refresh_from_db()
    assert (gift.state, gift.redemptions.get().reason) == (CouponState.ISSUED, "never fetched")
    staff.post(page("roll_back", gift.pk), {"reason": "again"})
    assert AuditEvent.objects.filter(action="coupon.given_back").count() == 1


def test_what_a_purchase_used_is_not_taken_back_here(staff):
    coupon = CouponFactory()
    assert "roll_back" not in staff.get(page("change", coupon.pk)).content.decode()


def choose(*coupons, **values):
    return {"action": "void_selected", helpers.ACTION_CHECKBOX_NAME: [one.pk for one in coupons], **values}


def test_chosen_coupons_are_void_after_a_reason(staff, gift):
    good, other = CouponFactory(), CouponFactory()
    asked = staff.post(LIST, choose(good, gift, index="0"))
    assert (asked.status_code, states()[good.pk]) == (200, "ISSUED")
    carried = asked.content.decode()
    assert carried.count(f'name="{helpers.ACTION_CHECKBOX_NAME}"') == 2
    empty = staff.post(LIST, choose(good, gift, reason=""))
    assert "reason" in empty.context["form"].errors
    done = staff.post(LIST, choose(good, gift, reason="misprint"), follow=True)
    assert "Made void: 1. Redeemed before, and left so: 1." in done.content.decode()
    assert states() == {good.pk: "VOID", gift.pk: "REDEEMED", other.pk: "ISSUED"}
    assert AuditEvent.objects.get(action="coupon.voided").reason == "misprint"


def test_all_that_a_filter_finds_are_void(staff):
    offer = OfferFactory()
    found, other = CouponFactory.create_batch(3, offer=offer), CouponFactory()
    chosen = choose(found[0], select_across="1", reason="recalled")
    staff.post(f"{LIST}?offer__id__exact={offer.pk}", chosen)
    assert states() == {**{one.pk: "VOID" for one in found}, other.pk: "ISSUED"}


def test_all_of_an_offer_are_void(staff, gift):
    found, other = CouponFactory.create_batch(2, offer=gift.offer), CouponFactory()
    told = {"offer": gift.offer_id, "reason": "recalled"}
    assert "offer" in staff.post(page("void_all_of_offer"), {"reason": "x"}).context["form"].errors
    done = staff.post(page("void_all_of_offer"), told, follow=True)
    assert "Made void: 2. Redeemed before, and left so: 1." in done.content.decode()
    assert states() == {**{one.pk: "VOID" for one in found}, gift.pk: "REDEEMED", other.pk: "ISSUED"}


def test_public_code_is_made_and_a_bad_one_is_told(staff):
    offer = OfferFactory()
    refused = staff.post(page("make_public"), {"offer": offer.pk, "code": "双十一", "uses_max": ""})
    assert "4 to 24" in str(refused.context["form"].non_field_errors())
    staff.post(page("make_public"), {"offer": offer.pk, "code": "spring 26", "uses_max": ""})
    coupon = Coupon.objects.get()
    assert (coupon.code, coupon.uses_max, coupon.is_public) == ("SPRING26", None, True)


def test_who_only_looks_makes_nothing_void(client):
    coupon = CouponFactory()
    client.force_login(UserFactory(is_superuser=False, is_staff=True))
    client.post(LIST, choose(coupon, reason="x"))
    assert states() == {coupon.pk: "ISSUED"}
