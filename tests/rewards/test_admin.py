"""Offers, coupons, rewards, rules and the programme in the back office."""

import html
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from customers.models import AuditEvent, User
from rewards.admin.offer import OfferAdmin
from rewards.domain import pictures
from rewards.models import (
    CouponState,
    Offer,
    PointsAdjustment,
    PointsEntry,
    RedemptionState,
    Reward,
    RewardPicture,
    RewardRedemption,
    StaffAlert,
    SurpriseRule,
)
from tests.factories.customers import UserFactory
from tests.factories.rewards import CouponFactory, OfferFactory, ProgramFactory, RewardFactory
from tests.loyalty_site import rows

pytestmark = pytest.mark.django_db

OFFER = {
    "title_en": "Ten off",
    "title_zh-hans": "减十元",
    "description_en": "",
    "description_zh-hans": "",
    "currency": "CNY",
    "kind": "AMOUNT",
    "amount_minor": "10.50",
    "min_spend_minor": "50",
    "budget_minor": "1000",
    "valid_from_0": "2026-05-01",
    "valid_from_1": "08:00",
    "starts_after_days": "0",
    "coupon_days": "30",
    "code_max": "1",
    "priority": "0",
    "code_prefix": "moon",
}
# As the form of a published offer sends it, which shows the rest and does not ask for it.
LIVE = {name: told for name, told in OFFER.items() if name not in OfferAdmin.promised}


@pytest.fixture
def staff(client):
    client.member = UserFactory(is_superuser=True, password=None)
    client.force_login(client.member)
    return client


def act(row, name):
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{name}", args=[row.pk])


def errors(answer):
    return answer.context["adminform"].form.errors


def test_offer_is_typed_in_major_units_and_both_languages(staff):
    ProgramFactory(timezone="Asia/Shanghai")
    staff.post("/admin/rewards/offer/add/", OFFER)
    offer = Offer.objects.get()
    assert offer.title == {"en": "Ten off", "zh-hans": "减十元"}
    assert (offer.amount_minor, offer.min_spend_minor, offer.budget_minor) == (1050, 5000, 100_000)
    assert offer.valid_from.isoformat() == "2026-05-01T00:00:00+00:00"
    assert (offer.code_prefix, offer.published_at) == ("MOON", None)
    form = staff.get(f"/admin/rewards/offer/{offer.pk}/change/").context["adminform"].form
    assert form.initial["amount_minor"] == Decimal("10.50")


def test_new_offer_begins_now_in_the_programmes_currency(staff):
    ProgramFactory(currency="JPY")
    initial = staff.get("/admin/rewards/offer/add/").context["adminform"].form.initial
    assert initial["currency"] == "JPY"
    assert timezone.now() - initial["valid_from"] < timedelta(minutes=2)


def test_offer_keeps_what_its_kind_needs(staff):
    staff.post("/admin/rewards/offer/add/", {**OFFER, "kind": "PERCENT", "percent": "15"})
    assert (Offer.objects.get().percent, Offer.objects.get().amount_minor) == (Decimal(15), None)


@pytest.mark.parametrize(
    ("told", "field", "said"),
    [
        ({"kind": "PERCENT"}, "percent", "Say how many percent."),
        ({"amount_minor": ""}, "amount_minor", "Say how much."),
        ({"amount_minor": "1.005"}, "amount_minor", "This is finer than the smallest unit of CNY."),
        ({"amount_minor": "-1"}, "amount_minor", "Ensure this value is greater than or equal to 0."),
        ({"currency": "JPY", "amount_minor": "0.5"}, "amount_minor", "This is finer than the smallest unit of JPY."),
        ({"valid_to_0": "2026-04-01", "valid_to_1": "00:00"}, "valid_to", "The end must come after the start."),
        ({"title_en": "", "title_zh-hans": ""}, "title", "This field is required."),
    ],
)
def test_offer_refuses(staff, told, field, said):
    answer = staff.post("/admin/rewards/offer/add/", {**OFFER, **told})
    assert errors(answer)[field] == [said]
    assert not Offer.objects.exists()


def test_offer_goes_live_and_is_withdrawn_by_acts(staff):
    offer = OfferFactory(published_at=None)
    staff.get(act(offer, "publish"))
    offer.refresh_from_db()
    assert offer.published_at is None
    staff.post(act(offer, "publish"))
    offer.refresh_from_db()
    assert offer.published_at
    staff.post(act(offer, "withdraw"))
    offer.refresh_from_db()
    assert offer.withdrawn_at


def test_live_offer_keeps_what_it_promised(staff):
    offer = OfferFactory(amount_minor=500)
    page = staff.get(f"/admin/rewards/offer/{offer.pk}/change/").content.decode()
    assert "¥5.00" in page
    staff.post(f"/admin/rewards/offer/{offer.pk}/change/", {**LIVE, "amount_minor": "99", "budget_minor": "7"})
    offer.refresh_from_db()
    assert (offer.amount_minor, offer.budget_minor) == (500, 700)


def test_saving_an_offer_leaves_its_counters_alone(staff):
    offer = OfferFactory()
    form = staff.get(f"/admin/rewards/offer/{offer.pk}/change/")
    Offer.objects.filter(pk=offer.pk).update(redeemed_count=3, redeemed_minor=1500)
    assert form.status_code == 200
    staff.post(f"/admin/rewards/offer/{offer.pk}/change/", LIVE)
    offer.refresh_from_db()
    assert (offer.title["en"], offer.redeemed_count, offer.redeemed_minor) == ("Ten off", 3, 1500)


def test_only_drafts_are_deleted(staff):
    live, draft = OfferFactory(), OfferFactory(published_at=None)
    assert staff.post(f"/admin/rewards/offer/{live.pk}/delete/", {"post": "yes"}).status_code == 403
    assert staff.post(f"/admin/rewards/offer/{draft.pk}/delete/", {"post": "yes"}).status_code == 302
    assert list(Offer.objects.all()) == [live]


def test_coupon_is_made_void_with_a_reason(staff):
    coupon = CouponFactory()
    assert "reason" in staff.post(act(coupon, "void"), {}).context["form"].errors
    staff.post(act(coupon, "void"), {"reason": "Printed twice"})
    coupon.refresh_from_db()
    assert coupon.state == CouponState.VOID
    assert AuditEvent.objects.get().reason == "Printed twice"


def test_coupon_is_found_by_its_code(staff):
    coupon, _other = CouponFactory(), CouponFactory()
    found = staff.get("/admin/rewards/coupon/", {"q": coupon.display_code.lower()}).context["cl"].result_list
    assert list(found) == [coupon]


def test_reward_is_written_in_both_languages(staff):
    told = {"name_en": "Mug", "name_zh-hans": "杯子", "description_en": "", "description_zh-hans": "", "kind": "GOODS"}
    told |= {"per_customer_max": "2", "per_customer_period": "YEAR", "picture_alt_en": "A blue mug"}
    when = {"offered_from_0": "2026-05-01", "offered_from_1": "00:00"}
    staff.post("/admin/rewards/reward/add/", {**told, **when, "cost_points": "250", "stock": "5"})
    reward = Reward.objects.get()
    assert (reward.name, reward.cost_points, reward.stock) == ({"en": "Mug", "zh-hans": "杯子"}, 250, 5)
    assert (reward.per_customer_max, reward.per_customer_period) == (2, "YEAR")
    assert reward.picture_alt == {"en": "A blue mug"}


def test_reward_is_given_a_limit_and_a_picture_and_loses_it(staff):
    reward = RewardFactory()
    png = Path("static/img/icon-192.png").read_bytes()
    staff.post(act(reward, "set_picture"), {"file": SimpleUploadedFile("cup.png", png)})
    reward.refresh_from_db()
    page = staff.get(f"/admin/rewards/reward/{reward.pk}/change/").content.decode()
    assert f"/rewards/pictures/{reward.picture_id}.webp" in page
    delete = f"/admin/rewards/rewardpicture/{reward.picture_id}/delete/"
    assert staff.post(delete, {"post": "yes"}).status_code == 403
    staff.post(act(reward, "remove_picture"))
    reward.refresh_from_db()
    assert reward.picture_id is None
    assert staff.post(delete, {"post": "yes"}).status_code == 302
    assert not RewardPicture.objects.exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no picture", "This is not a picture that can be read. Bring a JPEG, PNG, WebP or GIF."),
        (b"\0" * (pictures.BYTES_MAX + 1), "This picture is too large: at most 10 MB and 40 million pixels."),
        (b"", "The submitted file is empty."),
    ],
)
def test_what_is_no_picture_is_refused_in_the_form(staff, content, said):
    reward = RewardFactory()
    answer = staff.post(act(reward, "set_picture"), {"file": SimpleUploadedFile("cup.png", content)})
    assert said in html.unescape(answer.content.decode())
    assert not RewardPicture.objects.exists()


def test_reward_somebody_took_is_not_deleted(staff):
    taken, free = rows.make(RewardRedemption).reward, RewardFactory()
    assert staff.post(f"/admin/rewards/reward/{taken.pk}/delete/", {"post": "yes"}).status_code == 403
    assert staff.post(f"/admin/rewards/reward/{free.pk}/delete/", {"post": "yes"}).status_code == 302


def test_reward_is_handed_over_against_its_code(staff):
    redemption = rows.make(RewardRedemption)
    page = staff.get(f"/admin/rewards/rewardredemption/{redemption.pk}/change/").content.decode()
    assert redemption.pickup_code not in page.replace("-", "")
    refused = staff.post(act(redemption, "hand_over"), {"code": "WRONG"})
    assert refused.context["form"].errors["code"] == ["This is not the code of this redemption."]
    assert redemption.pickup_code not in refused.content.decode().replace("-", "")
    staff.post(act(redemption, "hand_over"), {"code": str(redemption).lower()})
    redemption.refresh_from_db()
    assert (redemption.state, redemption.closed_by) == (RedemptionState.FULFILLED, f"user:{staff.member.pk}")


def test_code_leads_to_what_waits(staff):
    redemption = rows.make(RewardRedemption)
    look_up = reverse("admin:rewards_rewardredemption_find_by_code")
    assert staff.get(look_up).status_code == 200
    assert "code" in staff.post(look_up, {"code": "NOBODY"}).context["form"].errors
    answer = staff.post(look_up, {"code": redemption.pickup_code})
    assert answer.url == f"{act(redemption, 'hand_over')}?code={redemption.pickup_code}"
    staff.post(answer.url, {"code": redemption.pickup_code})
    again = staff.post(look_up, {"code": redemption.pickup_code})
    assert again.context["form"].errors["code"] == ["This reward is no longer waiting: handed over."]


def test_cancelling_gives_the_points_back_once(staff):
    redemption = rows.make(RewardRedemption)
    for _ in range(2):
        staff.post(act(redemption, "cancel"))
    redemption.refresh_from_db()
    assert redemption.state == RedemptionState.CANCELLED
    assert PointsEntry.objects.filter(kind="REIMBURSE").count() == 1


def test_adjustment_is_decided_by_another(staff):
    adjustment = rows.make(PointsAdjustment)
    asker = User.objects.get(pk=adjustment.asked_by.removeprefix("user:"))
    page = text_of(staff.get(act(adjustment, "approve")))
    assert f"{asker.email} asked for it: lost receipts. The balance is 0 points." in page
    for _ in range(2):
        staff.post(act(adjustment, "approve"))
    adjustment.refresh_from_db()
    assert (adjustment.state, adjustment.decided_by) == ("BOOKED", f"user:{staff.member.pk}")
    assert [entry.points for entry in PointsEntry.objects.all()] == [5000]
    answer = staff.post(act(adjustment, "refuse"), {"note": "Too much"})
    assert answer.context["form"].non_field_errors() == ["This adjustment is booked already."]


def test_adjustments_that_wait_come_first(staff):
    waiting = rows.make(PointsAdjustment)
    entry = rows.make(PointsEntry)
    told = {"points": 1, "reason": "why", "reference": "x", "state": "BOOKED", "needs_second": False}
    booked = PointsAdjustment.objects.create(
        **told, customer_id=entry.customer_id, asked_by="user:1", asked_at=rows.LATER, entry=entry
    )
    assert list(staff.get("/admin/rewards/pointsadjustment/").context["cl"].result_list) == [waiting, booked]


def test_adjustment_is_refused_with_a_reason(staff):
    adjustment = rows.make(PointsAdjustment)
    assert "note" in staff.post(act(adjustment, "refuse"), {"note": " "}).context["form"].errors
    staff.post(act(adjustment, "refuse"), {"note": "No receipts"})
    adjustment.refresh_from_db()
    assert (adjustment.state, adjustment.note) == ("REFUSED", "No receipts")
    assert not PointsEntry.objects.exists()


def test_nobody_decides_what_they_asked_for(staff):
    adjustment = rows.make(PointsAdjustment)
    page = f"/admin/rewards/pointsadjustment/{adjustment.pk}/change/"
    assert act(adjustment, "approve") in staff.get(page).content.decode()
    PointsAdjustment.objects.update(asked_by=f"user:{staff.member.pk}")
    assert act(adjustment, "approve") not in staff.get(page).content.decode()
    answer = staff.post(act(adjustment, "approve"))
    said = "You asked for this yourself: somebody else must decide."
    assert answer.context["form"].non_field_errors() == [said]
    assert not PointsEntry.objects.exists()


def test_alert_tells_what_happened_and_where(staff):
    alert = rows.make(StaffAlert)
    page = text_of(staff.get(f"/admin/rewards/staffalert/{alert.pk}/change/"))
    assert f"Customer {alert.customer} has the same e-mail address or phone." in page
    assert f"/admin/rewards/coupon/{alert.fact.removeprefix('coupon:')}/change/" in page
    many = {"actor": "till:3", "fact": "2026-05-20", "number": 1200, "usual": 4, "noticed_at": rows.AT}
    StaffAlert.objects.create(kind="MANY_RETURNS", **many)
    listed = text_of(staff.get("/admin/rewards/staffalert/"))
    assert "1,200 in 30 days; their peers usually have 4.0." in listed
    assert "till 3" in listed
    staff.post(act(alert, "seen"))
    alert.refresh_from_db()
    assert alert.seen_by == f"user:{staff.member.pk}"


def text_of(answer):
    return html.unescape(answer.content.decode())


def test_surprise_rule_is_typed_in_the_offers_currency(staff):
    offer = OfferFactory(currency="JPY")
    told = {"name": "Thanks", "trigger": "PURCHASE_OVER", "offer": offer.pk, "threshold_minor": "5000"}
    when = {"active_from_0": "2026-05-01", "active_from_1": "00:00", "cooldown_days": "30", "holdout_percent": "10"}
    limits = {"quiet_days": "7", "priority": "0"}
    staff.post("/admin/rewards/surpriserule/add/", {**told, **when, **limits})
    rule = SurpriseRule.objects.get()
    assert (rule.threshold_minor, rule.currency, rule.cost_minor) == (5000, "JPY", 500)


def test_ledger_tells_each_entry_in_words(staff):
    rows.make(PointsEntry)
    page = staff.get("/admin/rewards/pointsentry/")
    assert [entry.headline for entry in page.context["cl"].result_list] == [
        "20 points spent.",
        "500 points as a thank-you.",
    ]


def test_offers_are_filtered_by_where_they_stand(staff):
    offers = {
        "draft": OfferFactory(published_at=None),
        "live": OfferFactory(),
        "ended": OfferFactory(valid_to=rows.LATER),
        "withdrawn": OfferFactory(withdrawn_at=rows.LATER),
    }
    for state, offer in offers.items():
        assert list(staff.get("/admin/rewards/offer/", {"is": state}).context["cl"].result_list) == [offer]
    assert len(staff.get("/admin/rewards/offer/", {"is": "nonsense"}).context["cl"].result_list) == 4


def test_accounts_in_debt_are_found(staff):
    rows.make(PointsEntry)
    assert list(staff.get("/admin/rewards/pointsaccount/", {"debt": "yes"}).context["cl"].result_list) == []
