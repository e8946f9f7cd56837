import io
import re
from datetime import timedelta
from functools import partial

import pytest
from django.test import Client
from PIL import Image

from loyalty_site.lib import actors
from rewards.domain import pictures, points, redemptions
from rewards.models import CouponState, PointsEntry, Reward, RewardRedemption
from tests.factories.customers import CustomerFactory, PurchaseFactory
from tests.factories.rewards import CouponFactory, OfferFactory, ProgramFactory, RewardFactory
from tests.races import at_once
from tests.sessions import signed_in

DAY = timedelta(days=1)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _programme(db, now, time_machine):
    ProgramFactory(name="Green Basket")
    time_machine.move_to(now)


@pytest.fixture
def mia():
    return CustomerFactory(name="Mia")


@pytest.fixture
def client(mia):
    return signed_in(mia)


def award(customer, number, at, reference="gift:1"):
    points.award(customer=customer, points=number, reference=reference, by=actors.SYSTEM, at=at)


def text_of(response):
    return re.sub(r"\s+", " ", response.content.decode())


def yes_on(client, reward):
    """What the page's button sends."""
    page = client.get(f"/rewards/{reward.pk}/").content.decode()
    return {name: re.search(rf'name="{name}" value="([^"]+)"', page).group(1) for name in ("token", "cost")}


@pytest.mark.parametrize(
    "path", ["/coupons/", "/rewards/", "/activity/", "/rewards/1/", "/rewards/taken/1/", "/rewards/taken/1/cancel/"]
)
def test_strangers_are_sent_to_sign_in(path):
    assert Client().get(path).url.startswith("/sign-in/?next=%2F")


def test_coupons_shows_code_and_picture_of_what_can_be_used(client, mia, now):
    coupon = CouponFactory(customer=mia, offer=OfferFactory(title={"en": "Five off"}), expires_at=now + 30 * DAY)
    text = text_of(client.get("/coupons/"))
    assert "Five off" in text
    assert coupon.display_code in text
    assert "Good until June 19, 2026" in text
    assert 'aria-label="Coupon as a QR code"' in text
    assert "Used and lapsed" not in text


def test_coupons_keeps_used_and_lapsed_ones_apart_and_without_code(client, mia, now):
    lapsed = CouponFactory(customer=mia, issued_at=now - 9 * DAY, expires_at=now - DAY)
    void = CouponFactory(customer=mia, state=CouponState.VOID)
    text = text_of(client.get("/coupons/"))
    assert "Used and lapsed" in text
    assert "No coupons right now" in text
    assert lapsed.display_code not in text
    assert void.display_code not in text


def test_coupons_of_others_are_not_there(client):
    other = CouponFactory(customer=CustomerFactory())
    bearer = CouponFactory()
    text = text_of(client.get("/coupons/"))
    assert other.display_code not in text
    assert bearer.display_code not in text


def test_rewards_tells_what_is_affordable_and_what_is_missing(client, mia, now):
    award(mia, 300, now)
    cup = RewardFactory(name={"en": "Cup"}, cost_points=300)
    RewardFactory(name={"en": "Bag"}, cost_points=1300)
    text = text_of(client.get("/rewards/"))
    assert f'href="/rewards/{cup.pk}/"' in text
    assert "1,000 points to go" in text
    assert text.count("<progress") == 1


def test_rewards_says_when_there_are_none(client):
    assert "No rewards just now" in text_of(client.get("/rewards/"))


def test_redeem_asks_first_and_takes_nothing(client, mia, now):
    award(mia, 300, now)
    reward = RewardFactory(cost_points=200)
    text = text_of(client.get(f"/rewards/{reward.pk}/"))
    assert "This takes 200 points; you keep 100 points to spend." in text
    assert not RewardRedemption.objects.exists()


def test_redeem_takes_the_points_and_gives_a_code_to_pick_it_up(client, mia, now):
    award(mia, 300, now)
    reward = RewardFactory(name={"en": "Cup"}, cost_points=200)
    response = client.post(f"/rewards/{reward.pk}/", yes_on(client, reward), follow=True)
    taken = RewardRedemption.objects.get()
    assert (taken.customer, taken.reward, taken.points) == (mia, reward, 200)
    assert points.summary(customer=mia, at=now).available == 100
    assert str(taken) in text_of(response)
    assert PointsEntry.objects.get(kind="REDEEM").actor == f"customer:{mia.pk}"


def test_redeem_twice_with_one_page_takes_one_reward(client, mia, now):
    award(mia, 1000, now)
    reward = RewardFactory(cost_points=200)
    yes = yes_on(client, reward)
    answers = [client.post(f"/rewards/{reward.pk}/", yes) for _ in range(2)]
    assert answers[0].url == answers[1].url
    assert points.summary(customer=mia, at=now).available == 800


@pytest.mark.django_db(transaction=True)
def test_double_click_takes_one_reward(mia, now):
    award(mia, 1000, now)
    reward = RewardFactory(cost_points=200)
    yes = yes_on(signed_in(mia), reward)
    clicks = [partial(signed_in(mia).post, f"/rewards/{reward.pk}/", yes) for _ in range(4)]
    assert [answer.status_code for answer in at_once(*clicks)] == [302] * 4
    assert RewardRedemption.objects.count() == 1
    assert points.summary(customer=mia, at=now).available == 800


def test_redeem_again_with_a_new_page_takes_another(client, mia, now):
    award(mia, 1000, now)
    reward = RewardFactory(cost_points=200)
    for _ in range(2):
        client.post(f"/rewards/{reward.pk}/", yes_on(client, reward))
    assert RewardRedemption.objects.count() == 2


@pytest.mark.parametrize(
    ("balance", "values", "refusal"),
    [
        (100, {}, "Not enough points: 200 wanted, 100 can be spent."),
        (300, {"stock": 0}, "There are not that many left of this reward."),
        (300, {"offered_to": "now"}, "This reward is not offered at this moment."),
        (
            300,
            {"cost_points": 250},
            "This reward&#x27;s price has changed: it now costs 250 points. Nothing was taken.",
        ),
    ],
)
def test_redeem_says_why_it_cannot(client, mia, now, balance, values, refusal):
    award(mia, balance, now)
    reward = RewardFactory(cost_points=200)
    yes = {"token": "0d9c3b6e-3b0f-4a63-9a0e-8a2a4b8f7f10", "cost": "200"}
    Reward.objects.update(**{key: now if value == "now" else value for key, value in values.items()})
    response = client.post(f"/rewards/{reward.pk}/", yes)
    assert response.status_code == 200
    assert refusal in text_of(response)
    assert points.summary(customer=mia, at=now).available == balance


@pytest.mark.parametrize("told", [{"token": ""}, {"token": "x"}, {"token": "nul\0"}, {"cost": ""}, {"cost": "9" * 99}])
def test_redeem_without_what_the_page_sends_asks_again(client, mia, now, told):
    award(mia, 300, now)
    reward = RewardFactory(cost_points=200)
    response = client.post(f"/rewards/{reward.pk}/", {**yes_on(client, reward), **told})
    assert response.status_code == 200
    assert not RewardRedemption.objects.exists()


@pytest.mark.parametrize("path", ["/rewards/999/", "/rewards/taken/999/", "/rewards/99999999999999999999999/"])
def test_unknown_reward_is_not_found(client, path):
    assert client.get(path).status_code == 404


def test_price_that_rose_meanwhile_is_shown_and_asked_for_again(client, mia, now):
    award(mia, 1000, now)
    reward = RewardFactory(cost_points=200)
    yes = yes_on(client, reward)
    Reward.objects.update(cost_points=250)
    page = client.post(f"/rewards/{reward.pk}/", yes)
    assert "it now costs 250 points" in text_of(page)
    assert "This takes 250 points; you keep 750 points to spend." in text_of(page)
    assert 'name="cost" value="250"' in text_of(page)
    assert not RewardRedemption.objects.exists()


def test_large_cost_goes_through_the_form_as_it_is(client, mia, now):
    award(mia, 20_000, now)
    reward = RewardFactory(cost_points=12_000)
    assert client.post(f"/rewards/{reward.pk}/", yes_on(client, reward)).status_code == 302


def test_rewards_tells_what_is_left_and_what_was_taken(client, mia, now):
    award(mia, 1000, now)
    once = RewardFactory(name={"en": "Class"}, per_customer_max=1, per_customer_period="MONTH", stock=7)
    RewardFactory(name={"en": "Cup"}, stock=12)
    RewardFactory(name={"en": "Bag"}, stock=0)
    redemptions.request(customer=mia, reward=once, quantity=1, reference="a", by=actors.SYSTEM, at=now)
    text = text_of(client.get("/rewards/"))
    assert "At most 1 for each customer a month" in text
    assert "You have taken this already; again next month" in text
    assert ("12 left" in text, "6 left" in text, "All gone for now" in text) == (True, False, True)
    refused = client.post(f"/rewards/{once.pk}/", yes_for(once))
    assert "Each customer can take at most 1 of this reward a month." in text_of(refused)


def yes_for(reward):
    return {"token": "0d9c3b6e-3b0f-4a63-9a0e-8a2a4b8f7f10", "cost": reward.cost_points}


def test_customer_gives_a_reward_back_while_there_is_time(client, mia, now, time_machine):
    award(mia, 300, now)
    reward = RewardFactory(name={"en": "Cup"}, stock=3)
    taken = redemptions.request(customer=mia, reward=reward, quantity=1, reference="a", by=actors.SYSTEM, at=now)
    path = f"/rewards/taken/{taken.pk}/"
    assert f'href="{path}cancel/"' in text_of(client.get(path))
    assert "You get 100 points back" in text_of(client.get(f"{path}cancel/"))
    assert points.summary(customer=mia, at=now).available == 200
    for _ in range(2):
        assert client.post(f"{path}cancel/").url == path
    assert points.summary(customer=mia, at=now).available == 300
    assert "your points are back" in text_of(client.get(path))
    again = redemptions.request(customer=mia, reward=reward, quantity=1, reference="b", by=actors.SYSTEM, at=now)
    time_machine.move_to(now + DAY)
    late = f"/rewards/taken/{again.pk}/"
    assert "cancel/" not in text_of(client.get(late))
    assert "It is too late to cancel this yourself." in text_of(client.post(f"{late}cancel/"))
    again.refresh_from_db()
    assert again.state == "REQUESTED"


def test_nobody_cancels_what_somebody_else_took(client, now):
    other = CustomerFactory()
    award(other, 300, now)
    told = {"reward": RewardFactory(), "quantity": 1, "reference": "a", "by": actors.SYSTEM, "at": now}
    taken = redemptions.request(customer=other, **told)
    assert client.post(f"/rewards/taken/{taken.pk}/cancel/").status_code == 404
    assert points.summary(customer=other, at=now).available == 200


@pytest.fixture
def pictured(now):
    out = io.BytesIO()
    Image.new("RGB", (1200, 600), "teal").save(out, "PNG")
    reward = RewardFactory(picture_alt={"en": "A teal cup"})
    pictures.hang(reward=reward, upload=out.getvalue(), by=actors.SYSTEM, at=now)
    return reward


def test_picture_is_kept_by_who_has_it(pictured):
    path = f"/rewards/pictures/{pictured.picture_id}.webp"
    first = Client().get(path)
    assert (first.status_code, first.headers["Content-Type"]) == (200, "image/webp")
    assert first.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert first.headers["ETag"] == f'"{pictured.picture_id}"'
    assert "Set-Cookie" not in first.headers
    with Image.open(io.BytesIO(first.content)) as image:
        assert image.size == (800, 400)
    again = Client().get(path, headers={"if-none-match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert Client().get(path, headers={"if-none-match": '"other"'}).status_code == 200
    assert Client().head(path).status_code == 200


@pytest.mark.parametrize("name", ["0" * 64, "x", "9" * 300])
def test_unknown_picture_is_not_found(name):
    assert Client().get(f"/rewards/pictures/{name}.webp").status_code == 404


def test_reward_is_shown_with_its_picture(client, mia, now, pictured):
    award(mia, 300, now)
    told = f'src="/rewards/pictures/{pictured.picture_id}.webp" alt="A teal cup"'
    taken = redemptions.request(customer=mia, reward=pictured, quantity=1, reference="a", by=actors.SYSTEM, at=now)
    for path in ("/", "/rewards/", f"/rewards/{pictured.pk}/", f"/rewards/taken/{taken.pk}/"):
        assert told in text_of(client.get(path))


def test_pick_up_page_says_how_it_ended(client, mia, now):
    award(mia, 300, now)
    reward = RewardFactory(name={"en": "Cup"}, cost_points=100)
    ask = partial(redemptions.request, customer=mia, reward=reward, quantity=1, by=actors.SYSTEM, at=now)
    fetched, dropped = ask(reference="a"), ask(reference="b")
    redemptions.fulfil(redemption=fetched, by=actors.SYSTEM, at=now)
    redemptions.cancel(redemption=dropped, by=actors.SYSTEM, at=now)
    assert "You picked it up on May 20, 2026." in text_of(client.get(f"/rewards/taken/{fetched.pk}/"))
    assert "your points are back" in text_of(client.get(f"/rewards/taken/{dropped.pk}/"))


def test_pick_up_code_of_somebody_else_is_not_found(client, now):
    other = CustomerFactory()
    award(other, 300, now)
    taken = redemptions.request(
        customer=other, reward=RewardFactory(), quantity=1, reference="a", by=actors.SYSTEM, at=now
    )
    assert client.get(f"/rewards/taken/{taken.pk}/").status_code == 404


def test_activity_pages_through_the_ledger(client, mia, now):
    for n in range(1, 31):
        award(mia, n, now, reference=f"gift:{n}")
    first = client.get("/activity/")
    assert [entry.seq for entry in first.context["entries"]] == list(range(30, 5, -1))
    assert "30 points as a thank-you." in text_of(first)
    assert '<a class="btn btn-outline-primary ms-auto" href="?before=6">Older</a>' in text_of(first)
    second = client.get("/activity/", {"before": 6})
    assert [entry.seq for entry in second.context["entries"]] == [5, 4, 3, 2, 1]
    assert "Newest" in text_of(second)
    assert "Older" not in text_of(second)


@pytest.mark.parametrize("before", ["x", "-1", "", "9" * 18, "9" * 30, "٣", "1.5"])
def test_activity_survives_any_page_number(client, mia, now, before):
    award(mia, 1, now)
    assert client.get("/activity/", {"before": before}).status_code == 200


def test_activity_of_a_newcomer_says_how_to_begin(client):
    assert "Your first points are waiting" in text_of(client.get("/activity/"))


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize(("path", "queries"), [("/coupons/", 6), ("/rewards/", 6), ("/activity/", 6)])
def test_pages_take_the_same_queries_for_any_number(client, mia, now, django_assert_num_queries, path, queries, number):
    for n in range(number):
        award(mia, 1000, now, reference=f"purchase:{PurchaseFactory(customer=mia).pk}")
        CouponFactory(customer=mia)
        CouponFactory(customer=mia, state=CouponState.VOID)
        reward = RewardFactory()
        redemptions.request(customer=mia, reward=reward, quantity=1, reference=f"{n}", by=actors.SYSTEM, at=now)
    client.get(path)
    with django_assert_num_queries(queries):
        assert client.get(path).status_code == 200
