"""Rewards for points, pick-ups and gifts."""

from datetime import timedelta

import pytest
from django.utils import timezone

from loyalty_site.lib import actors
from rewards.domain import coupon_redemptions, points, redemptions
from rewards.models import CouponState, OfferKind, RedemptionState, RefusalTally, RewardRedemption
from tests.factories.customers import CardFactory, CustomerFactory, StoreFactory
from tests.factories.rewards import CouponFactory, OfferFactory, RewardFactory
from tests.loyalty_site.till.conftest import field, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_balance")]


@pytest.fixture(autouse=True)
def _clock(now, time_machine):
    time_machine.move_to(now, tick=False)


@pytest.fixture
def cup(db):
    return RewardFactory(name={"en": "Cup"}, cost_points=300, stock=2)


def page_of(customer, reward):
    return f"/till/customers/{customer.number}/rewards/{reward.pk}/"


def balance(customer):
    return points.summary(customer=customer, at=timezone.now()).available


def yes(page):
    return {"slip": field(page, "slip"), "cost": field(page, "cost")}


def test_reward_is_taken_and_handed_over_in_one(client, cashier, mia, award, cup, now):
    award(mia, 500)
    asked = client.get(page_of(mia, cup))
    assert "This takes 300 points and hands the reward over now; 200 points to spend are left." in text_of(asked)
    done = client.post(page_of(mia, cup), yes(asked))
    taken = RewardRedemption.objects.get()
    assert done.url == f"/till/pickups/{taken.pickup_code}/"
    assert (taken.state, taken.closed_by, taken.closed_at) == (RedemptionState.FULFILLED, f"user:{cashier.pk}", now)
    assert balance(mia) == 200
    assert "Handed over: 05/20/2026 10:30 a.m." in text_of(client.get(done.url))


def test_pressing_twice_takes_one_reward(client, mia, award, cup):
    award(mia, 900)
    sent = yes(client.get(page_of(mia, cup)))
    assert client.post(page_of(mia, cup), sent).url == client.post(page_of(mia, cup), sent).url
    assert (RewardRedemption.objects.count(), balance(mia)) == (1, 600)


def test_reward_without_the_page_or_at_another_price_is_asked_again(client, mia, award, cup):
    award(mia, 900)
    sent = yes(client.get(page_of(mia, cup)))
    for changed in ({"slip": ""}, {"slip": "\0"}, {"cost": "1"}, {"cost": "x"}, {"cost": "9" * 50}):
        assert client.post(page_of(mia, cup), {**sent, **changed}).status_code == 200
    cup.cost_points = 400
    cup.save(update_fields=["cost_points"])
    assert "it now costs 400 points. Nothing was taken." in text_of(client.post(page_of(mia, cup), sent))
    assert (RewardRedemption.objects.count(), balance(mia)) == (0, 900)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"cost_points": 501}, "Missing: 1 point"),
        ({"stock": 0}, "All gone for now"),
        (
            {
                "offered_to": timezone.now() - timedelta(days=3000),
                "offered_from": timezone.now() - timedelta(days=4000),
            },
            "not offered",
        ),
    ],
)
def test_what_is_out_of_reach_is_said_and_refused(client, mia, award, cup, values, said):
    award(mia, 500)
    sent = yes(client.get(page_of(mia, cup)))
    for name, value in values.items():
        setattr(cup, name, value)
    cup.save()
    assert said in text_of(client.get(page_of(mia, cup)))
    refused = client.post(page_of(mia, cup), {**sent, "cost": cup.cost_points})
    assert 'class="alert alert-danger"' in refused.content.decode()
    assert (RewardRedemption.objects.count(), balance(mia)) == (0, 500)


def test_limit_of_one_customer_is_said(client, mia, award, cup):
    award(mia, 900)
    cup.per_customer_max = 1
    cup.save(update_fields=["per_customer_max"])
    client.post(page_of(mia, cup), yes(client.get(page_of(mia, cup))))
    assert "as many of this reward as one customer can" in text_of(client.get(page_of(mia, cup)))


def test_pick_up_is_handed_over_once(client, mia, award, cup, now):
    award(mia, 500)
    taken = redemptions.request(customer=mia, reward=cup, quantity=1, reference="a", by=actors.SYSTEM, at=now)
    url = f"/till/pickups/{taken.pickup_code}/"
    assert "Paid for with points and waiting to be picked up." in text_of(client.get(url))
    assert client.post(url).url == url
    again = text_of(client.post(url))
    assert "This reward was handed over already." in again
    assert "Handed over: " in again


def test_cancelled_pick_up_is_not_handed_over(client, mia, award, cup, now):
    award(mia, 500)
    taken = redemptions.request(customer=mia, reward=cup, quantity=1, reference="a", by=actors.SYSTEM, at=now)
    redemptions.cancel(redemption=taken, by=actors.SYSTEM, at=now)
    assert "This redemption was cancelled." in text_of(client.post(f"/till/pickups/{taken.pickup_code}/"))


@pytest.mark.parametrize("is_bearers", [True, False])
def test_gift_is_handed_over_without_a_purchase_once(client, cashier, mia, is_bearers):
    offer = OfferFactory(title={"en": "Espresso"}, kind=OfferKind.GIFT, amount_minor=None)
    gift = CouponFactory(customer=None if is_bearers else mia, offer=offer)
    url = f"/till/coupons/{gift.code}/"
    assert "Hand the gift over" in text_of(client.get(url))
    done = client.post(url).url
    gift.refresh_from_db()
    used = gift.redemptions.get()
    assert done == f"{url}?done={used.pk}"
    assert (gift.state, used.redeemed_by, used.purchase) == (CouponState.REDEEMED, f"user:{cashier.pk}", None)
    assert "Redeemed: 05/20/2026 10:30 a.m." in text_of(client.get(url))
    assert f"Coupon {gift} was redeemed already." in text_of(client.post(url))


def test_bearers_gift_goes_to_whom_the_cashier_names_as_often_as_one_customer_may_have_it(client, mia):
    offer = OfferFactory(title={"en": "Espresso"}, kind=OfferKind.GIFT, amount_minor=None, customer_max=1)
    gift = CouponFactory(customer=None, offer=offer, uses_max=5)
    url = f"/till/coupons/{gift.code}/"

    def hand_over(who):
        return client.post(url, {"who": who, "used": field(client.get(url), "used")})

    assert "is for customers of the programme" in text_of(hand_over(""))
    assert "Nobody in the programme is known by “nobody”." in text_of(hand_over("nobody"))
    leo = CustomerFactory(phone="+8613800138000")
    CardFactory(number=leo.phone)
    refused = hand_over(leo.phone)
    assert "Several customers share" in text_of(refused)
    assert f'value="{leo.phone}"' in refused.text
    assert hand_over(mia.display_number.lower()).url.startswith(url)
    assert gift.redemptions.get().customer == mia
    assert hand_over(mia.number).status_code == 200
    assert hand_over(leo.number).url.startswith(url)
    assert gift.redemptions.count() == 2


@pytest.mark.parametrize(
    ("where_or_when", "said"),
    [("another store", "is not good in this store"), ("today", "is not good today")],
)
def test_gift_is_handed_over_only_where_and_when_its_offer_says(client, mia, now, where_or_when, said):
    offer = OfferFactory(kind=OfferKind.GIFT, amount_minor=None)
    if where_or_when == "another store":
        offer.stores.add(StoreFactory())
    else:
        offer.blackout_dates = [now.date()]
        offer.save()
    gift = CouponFactory(customer=mia, offer=offer)
    assert said in text_of(client.post(f"/till/coupons/{gift.code}/"))
    assert not gift.redemptions.exists()
    assert RefusalTally.objects.get(offer=offer).times == 1


def test_gift_that_is_good_twice_is_handed_over_once_by_a_button_pressed_twice(client, mia):
    offer = OfferFactory(title={"en": "Espresso"}, kind=OfferKind.GIFT, amount_minor=None)
    gift = CouponFactory(customer=mia, offer=offer, uses_max=2)
    url = f"/till/coupons/{gift.code}/"
    shown = {"used": field(client.get(url), "used")}
    done = [client.post(url, shown).url for _ in range(2)]
    assert done == [f"{url}?done={gift.redemptions.get().pk}"] * 2
    assert "Redeemed: 05/20/2026 10:30 a.m." in text_of(client.get(done[0]))
    assert "Redeemed" not in text_of(client.get(url))
    assert client.post(url, {"used": field(client.get(url), "used")}).url.startswith(url)
    gift.refresh_from_db()
    assert (gift.redemptions.count(), gift.state) == (2, CouponState.REDEEMED)


def test_code_for_everybody_that_another_till_used_meanwhile_is_not_said_to_be_handed_over_here(client, cashier, now):
    offer = OfferFactory(title={"en": "Espresso"}, kind=OfferKind.GIFT, amount_minor=None)
    gift = CouponFactory(customer=None, offer=offer, uses_max=None, is_public=True, code="ESPRESSO")
    url = f"/till/coupons/{gift.code}/"
    shown = {"used": field(client.get(url), "used")}
    coupon_redemptions.redeem(coupon=gift, customer=None, by=actors.till(7), at=now)
    refused = text_of(client.post(url, shown))
    assert "This coupon was used since the page was shown." in refused
    assert "Redeemed" not in refused
    assert (field(client.post(url, shown), "used"), gift.redemptions.count()) == ("1", 1)
    done = client.post(url, {"used": "1"}).url
    own = gift.redemptions.get(redeemed_by=f"user:{cashier.pk}")
    assert done == f"{url}?done={own.pk}"
    later = now + timedelta(hours=1)
    coupon_redemptions.redeem(coupon=gift, customer=None, by=actors.till(7), at=later)
    assert "Redeemed: 05/20/2026 10:30 a.m." in text_of(client.get(done))
    others = gift.redemptions.exclude(pk=own.pk).first()
    for text in (str(others.pk), "x", "9" * 30):
        assert "Redeemed" not in text_of(client.get(url, {"done": text}))


def test_coupon_that_takes_something_off_leads_to_a_purchase(client, mia):
    mias, bearers = CouponFactory(customer=mia), CouponFactory()
    assert f'href="/till/customers/{mia.number}/purchase/?coupon={mias.code}"' in _html(client, mias)
    assert f'href="/till/purchase/?code={bearers.code}"' in _html(client, bearers)
    assert "would take nothing off" in text_of(client.post(f"/till/coupons/{mias.code}/"))


def test_coupon_over_says_so_and_offers_nothing(client, mia, now):
    lapsed = CouponFactory(customer=mia, expires_at=now - timedelta(days=1), issued_at=now - timedelta(days=9))
    void = CouponFactory(customer=mia, state=CouponState.VOID)
    assert "Lapsed after May 19, 2026" in text_of(client.get(f"/till/coupons/{lapsed.code}/"))
    assert "made void" in text_of(client.get(f"/till/coupons/{void.code}/"))
    assert "Use it" not in _html(client, lapsed) + _html(client, void)


def test_link_to_a_coupon_ticks_it_in_the_purchase(client, mia):
    mias, others = CouponFactory(customer=mia), CouponFactory(customer=CustomerFactory())
    page = client.get(f"/till/customers/{mia.number}/purchase/?coupon={mias.code}&coupon={others.code}&coupon=%00")
    assert page.content.decode().count(" checked>") == 1


def _html(client, coupon):
    return client.get(f"/till/coupons/{coupon.code}/").content.decode()
