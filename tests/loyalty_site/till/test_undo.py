"""The last act, undone within a quarter of an hour."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from customers.models import AuditEvent, Purchase, PurchaseReturn
from loyalty_site.lib import actors
from loyalty_site.till import slips, undo
from loyalty_site.till.access import Desk
from rewards.domain import counter, points, redemptions, takebacks
from rewards.models import CouponRedemption, CouponState, OfferKind, RedemptionState, RewardRedemption
from tests.factories.customers import StoreFactory
from tests.factories.rewards import CouponFactory, OfferFactory, RewardFactory, SurpriseRuleFactory
from tests.loyalty_site.till.conftest import field, text_of
from tests.loyalty_site.till.test_handing_over import page_of as reward_page
from tests.loyalty_site.till.test_handing_over import yes
from tests.loyalty_site.till.test_purchase import book

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]

URL = "/till/undo/"


@pytest.fixture(autouse=True)
def _clock(now, time_machine):
    time_machine.move_to(now, tick=False)


def balance(customer):
    return points.summary(customer=customer, at=timezone.now()).balance


def confirm(page):
    return {"slip": field(page, "slip"), "act": field(page, "act")}


def test_purchase_is_undone_as_a_whole_as_the_page_said(client, cashier, mia, award):
    award(mia, 500)
    SurpriseRuleFactory(threshold_minor=100)
    coupon = CouponFactory(customer=mia)
    book(client, mia, amount="100", coupons=[coupon.code], points="200")
    page = client.get(URL)
    assert "The purchase of ¥93.00 , booked at 10:30 a.m., is taken back, all of it" in text_of(page)
    assert "To pay back ¥93.00 Points taken back −93 Points given back +200 New balance 500 points" in text_of(page)
    assert f"Good again: {coupon.offer}" in text_of(page)
    assert balance(mia) == 393
    done = client.post(URL, confirm(page))
    made = PurchaseReturn.objects.get()
    assert (done.url, made.recorded_by) == (f"/till/returns/{made.pk}/", f"user:{cashier.pk}")
    coupon.refresh_from_db()
    assert (balance(mia), coupon.state) == (500, CouponState.ISSUED)
    assert mia.coupons.exclude(pk=coupon.pk).get().state == CouponState.VOID
    assert "There is nothing to undo" in text_of(client.get(URL))


def test_pressing_twice_undoes_once(client, mia):
    book(client, mia, amount="10")
    book(client, mia, amount="20")
    sent = confirm(client.get(URL))
    assert client.post(URL, sent).url == client.post(URL, sent).url
    assert PurchaseReturn.objects.get().purchase.total_minor == 2000


def test_what_was_not_shown_is_not_undone(client, mia, time_machine):
    book(client, mia, amount="10")
    sent = confirm(client.get(URL))
    time_machine.shift(1)
    book(client, mia, amount="20")
    again = client.post(URL, sent)
    assert "Something else was booked since. Please look again." in text_of(again)
    assert "¥20.00" in text_of(again)
    for junk in ({}, {"act": ""}, {"act": "\0"}, {"act": "purchase:1", "slip": "x"}, {**sent, "slip": "x"}):
        assert client.post(URL, junk).status_code == 200
    assert not PurchaseReturn.objects.exists()


def test_only_the_last_is_undone_and_only_for_a_while(client, mia, time_machine):
    book(client, mia, amount="10")
    time_machine.shift(timedelta(minutes=14, seconds=59))
    assert "¥10.00" in text_of(client.get(URL))
    time_machine.shift(timedelta(seconds=2))
    assert "There is nothing to undo" in text_of(client.get(URL))


def test_what_others_booked_or_was_booked_elsewhere_is_not_undone(client, cashier, staff, store, mia):
    colleague = Client()
    colleague.force_login(staff(stores=[store]))
    book(colleague, mia, amount="10")
    assert "There is nothing to undo" in text_of(client.get(URL))
    book(client, mia, amount="20")
    cashier.stores.set([StoreFactory()])
    assert "There is nothing to undo" in text_of(client.get(URL))


def test_anonymous_purchase_is_undone(client, store):
    book(client, amount="10")
    assert client.post(URL, confirm(client.get(URL))).status_code == 302
    assert PurchaseReturn.objects.get().purchase.customer is None


def test_reward_comes_back_with_its_points(client, cashier, mia, award):
    award(mia, 500)
    cup = RewardFactory(name={"en": "Cup"}, cost_points=300, stock=1)
    client.post(reward_page(mia, cup), yes(client.get(reward_page(mia, cup))))
    page = client.get(URL)
    assert "Cup , handed over at 10:30 a.m., comes back to the store:" in text_of(page)
    assert "Points given back +300 New balance 500 points" in text_of(page)
    assert balance(mia) == 200
    sent = confirm(page)
    done, again = client.post(URL, sent), client.post(URL, sent)
    taken = RewardRedemption.objects.get()
    assert done.url == again.url == f"/till/pickups/{taken.pickup_code}/"
    assert (taken.state, taken.closed_by) == (RedemptionState.CANCELLED, f"user:{cashier.pk}")
    cup.refresh_from_db()
    assert (balance(mia), cup.stock) == (500, 1)
    assert AuditEvent.objects.filter(action="redemption.hand_over_undone", actor=f"user:{cashier.pk}").count() == 1
    assert "There is nothing to undo" in text_of(client.get(URL))


def test_later_one_of_purchase_and_reward_is_the_last(client, mia, award, time_machine):
    award(mia, 500)
    cup = RewardFactory(cost_points=300)
    book(client, mia, amount="10")
    time_machine.shift(1)
    client.post(reward_page(mia, cup), yes(client.get(reward_page(mia, cup))))
    assert field(client.get(URL), "act").startswith("rewardredemption:")
    time_machine.shift(1)
    book(client, mia, amount="20")
    assert field(client.get(URL), "act") == f"purchase:{Purchase.objects.latest('pk').pk}"


def test_pick_up_of_what_was_taken_elsewhere_is_not_undone(client, mia, award, now):
    award(mia, 500)
    taken = redemptions.request(
        customer=mia, reward=RewardFactory(), quantity=1, reference="portal:1", by=actors.SYSTEM, at=now
    )
    client.post(f"/till/pickups/{taken.pickup_code}/")
    assert "There is nothing to undo" in text_of(client.get(URL))


def test_what_somebody_undid_between_looking_and_foretelling_is_said(client, cashier, store, mia, award, now):
    award(mia, 500)
    book(client, mia, amount="10")
    client.post(URL, confirm(client.get(URL)))
    desk, slip = Desk(cashier, store), slips.issue(at=now)
    gone = Purchase.objects.get()
    assert undo._shown(gone, slip, desk, now) == {"refusal": "The return names no goods."}
    taken = counter.hand_over(
        customer=mia, reward=RewardFactory(), cost_points=100, reference="till:1", by=desk.by, at=now
    )
    stale = RewardRedemption.objects.get()
    takebacks.undo_reward(redemption=taken, by=desk.by, at=now)
    assert undo._shown(stale, slip, desk, now) == {"refusal": "This redemption was cancelled."}


def test_goods_of_a_customer_who_left_come_back_without_their_name(client, mia):
    book(client, mia, amount="10")
    mia.closed_at = timezone.now()
    mia.save(update_fields=["closed_at"])
    page = client.get(URL)
    assert "Mia" not in text_of(page)
    done = client.get(client.post(URL, confirm(page)).url)
    assert "Taken back" in text_of(done)
    assert "Mia" not in text_of(done)


def test_purchase_partly_returned_is_undone_for_the_rest(client, mia):
    book(client, mia, amount="10")
    bought = Purchase.objects.get()
    told = {"step": "review", "line-1-chosen": "on", "line-1-amount": "4"}
    slip = field(client.post(f"/till/purchases/{bought.pk}/return/", told), "slip")
    client.post(f"/till/purchases/{bought.pk}/return/", {**told, "step": "book", "slip": slip})
    page = client.get(URL)
    assert "To pay back ¥6.00 Points taken back −6 New balance 0 points" in text_of(page)
    client.post(URL, confirm(page))
    assert balance(mia) == 0


@pytest.fixture
def gift(mia):
    return CouponFactory(
        customer=mia, offer=OfferFactory(title={"en": "Espresso"}, kind=OfferKind.GIFT, amount_minor=None)
    )


def give(client, gift):
    assert client.post(f"/till/coupons/{gift.code}/").status_code == 302


def test_gift_is_undone_that_day_and_a_row_says_so(client, cashier, gift, now, time_machine):
    give(client, gift)
    time_machine.move_to(now + timedelta(hours=13), tick=False)
    page = client.get(URL)
    assert "Espresso , handed over at 10:30 a.m., comes back to the store; its coupon is good again." in text_of(page)
    done = [client.post(URL, confirm(page)) for _ in range(2)]
    assert [answer.url for answer in done] == [f"/till/coupons/{gift.code}/"] * 2
    gift.refresh_from_db()
    gift.offer.refresh_from_db()
    row = CouponRedemption.objects.get()
    assert (gift.state, gift.offer.redeemed_count) == (CouponState.ISSUED, 0)
    assert (row.coupon, row.purchase_return, row.redeemed_at, row.rolled_back_by) == (
        gift,
        None,
        now,
        f"user:{cashier.pk}",
    )
    event = AuditEvent.objects.get(action="coupon.given_back")
    assert (event.actor, event.happened_at) == (f"user:{cashier.pk}", timezone.now())
    assert "There is nothing to undo" in text_of(client.get(URL))
    give(client, gift)
    assert client.post(URL, confirm(client.get(URL))).status_code == 302
    assert CouponRedemption.objects.count() == 2


def test_gift_is_not_undone_by_others_nor_on_another_day(client, enter, store, gift, now, time_machine):
    give(client, gift)
    assert "There is nothing to undo" in text_of(enter(stores=[store]).get(URL))
    time_machine.move_to(now + timedelta(hours=14), tick=False)
    assert "There is nothing to undo" in text_of(client.get(URL))


def test_what_was_done_after_the_gift_is_undone_first(client, mia, gift, now, time_machine):
    give(client, gift)
    time_machine.move_to(now + timedelta(minutes=1), tick=False)
    book(client, mia, amount="10")
    assert "The purchase of ¥10.00" in text_of(client.get(URL))
