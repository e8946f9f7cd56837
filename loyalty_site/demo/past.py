"""What followed the purchases: rewards taken, coupons given. Told through the domain's verbs."""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from customers.models import Customer, Purchase
from loyalty_site.demo import program
from loyalty_site.demo.journey import DEMO_HOUSEHOLD, SEED
from loyalty_site.lib import actors
from rewards.domain import coupon_redemptions, coupons, points, redemptions, surprises
from rewards.models import OfferKind, Reward

WELCOME_POINTS = 500


@dataclass(frozen=True, slots=True)
class Member:
    """A customer with the household they were made from and their last purchase."""

    household: int
    customer: Customer
    last_at: datetime


def welcome(customer: Customer) -> None:
    """Points from the first day, to be told before the purchases are: some of them lapse soon."""
    points.adjust(
        customer=customer,
        points=WELCOME_POINTS,
        reference="demo:welcome",
        reason="Welcome gift",
        by=actors.SYSTEM,
        at=customer.enrolled_at,
    )


def tell(members: Iterable[Member], *, at: datetime) -> None:
    """Everything is later than the purchases it follows, and not later than `at`."""
    everybody = list(members)
    drawn = random.Random(SEED)  # noqa: S311 - a story, not a secret
    _take_rewards(everybody, drawn, at)
    _surprise(at)
    _give_coupons(everybody, drawn, at)


def _take_rewards(members: list[Member], drawn: random.Random, at: datetime) -> None:
    """One customer in ten takes a reward they can afford; half of those have it in hand."""
    catalog = list(Reward.objects.order_by("cost_points"))
    for member in members:
        if drawn.random() > 0.1 and member.household != DEMO_HOUSEHOLD:
            continue
        when = _after(member, drawn, at)
        spendable = points.summary(customer=member.customer, at=when).available
        affordable = [reward for reward in catalog if reward.cost_points <= spendable]
        if affordable:
            taken = redemptions.request(
                customer=member.customer,
                reward=drawn.choice(affordable[:4]),
                quantity=1,
                reference=f"demo:{member.household}",
                by=actors.customer(member.customer.pk),
                at=when,
            )
            if drawn.random() < 0.5 and member.household != DEMO_HOUSEHOLD:
                redemptions.fulfil(redemption=taken, by=actors.SYSTEM, at=_between(when, at, drawn))


def _surprise(at: datetime) -> None:
    """The rules look at two weeks, as they would have at each till and each day."""
    large = Purchase.objects.filter(customer__isnull=False, paid_minor__gt=program.SURPRISE_OVER_MINOR)
    recent = large.filter(purchased_at__gt=at - timedelta(days=14)).select_related("customer", "store")
    for purchase in recent.order_by("purchased_at", "pk"):
        surprises.after_purchase(purchase=purchase, by=actors.SYSTEM, at=purchase.purchased_at)
    for days in range(14, -1, -1):
        _look_over(at - timedelta(days=days))


def _look_over(day: datetime) -> None:
    surprises.look_over(clock=lambda: day, until=day + timedelta(hours=1))


def _give_coupons(members: list[Member], drawn: random.Random, at: datetime) -> None:
    """One customer in four got a coupon this week, the demo's customer one of each; some smoothies are drunk."""
    offers = [offer for key in ("autumn", "thanks", "smoothie") if (offer := program.offer(key))]
    for member in members:
        is_demo = member.household == DEMO_HOUSEHOLD
        if not is_demo and (drawn.random() > 0.25 or not offers):
            continue
        for offer in offers if is_demo else [drawn.choice(offers)]:
            when = max(_after(member, drawn, at), at - timedelta(minutes=drawn.uniform(60, 7 * 24 * 60)))
            reference = f"demo:{member.household}"
            coupon = coupons.issue(
                offer=offer, customer=member.customer, reference=reference, by=actors.SYSTEM, at=when
            )
            if offer.kind == OfferKind.GIFT and not is_demo and drawn.random() < 0.4:
                handed_at = _between(when, at, drawn)
                coupon_redemptions.redeem(coupon=coupon, customer=member.customer, by=actors.SYSTEM, at=handed_at)


def _after(member: Member, drawn: random.Random, at: datetime) -> datetime:
    """Within three hours of the customer's last purchase."""
    return min(member.last_at + timedelta(minutes=drawn.uniform(5, 180)), at)


def _between(first: datetime, last: datetime, drawn: random.Random) -> datetime:
    return first + (last - first) * drawn.random()
