"""Programme, rules, offers and rewards. Points are only made through `rewards.domain.points`."""

import hashlib
from decimal import Decimal

import factory
from factory.django import DjangoModelFactory

from loyalty_site.lib import codes
from rewards.models import (
    CapPeriod,
    Coupon,
    CouponRedemption,
    EarningKind,
    EarningRule,
    Experiment,
    ExperimentKind,
    ExpiryPolicy,
    Offer,
    OfferKind,
    Program,
    Reward,
    RewardPicture,
    SurpriseRule,
    Tier,
    Trigger,
)
from tests.factories.customers import AT


class ProgramFactory(DjangoModelFactory):
    """Points never lapse and can be spent at once, and mails leave by night too, unless told."""

    class Meta:
        model = Program

    expiry_policy = ExpiryPolicy.NEVER
    quiet_from = None
    quiet_until = None


class BaseRuleFactory(DjangoModelFactory):
    """1 point for every 1.00."""

    class Meta:
        model = EarningRule

    code = "base"
    name = "Base"
    kind = EarningKind.BASE
    points = 1
    per_minor = 100
    valid_from = AT


class MultiplierRuleFactory(DjangoModelFactory):
    class Meta:
        model = EarningRule

    code = factory.Sequence(lambda n: f"multiplier-{n}")
    name = factory.SelfAttribute("code")
    kind = EarningKind.MULTIPLIER
    multiplier = Decimal(2)
    valid_from = AT


class CapRuleFactory(DjangoModelFactory):
    """100 points a day."""

    class Meta:
        model = EarningRule

    code = factory.Sequence(lambda n: f"cap-{n}")
    name = factory.SelfAttribute("code")
    kind = EarningKind.CAP
    points = 100
    cap_period = CapPeriod.DAY
    valid_from = AT


class TierFactory(DjangoModelFactory):
    """Each reached with 100 more than the one before."""

    class Meta:
        model = Tier

    rank = factory.Sequence(lambda n: n + 1)
    code = factory.LazyAttribute(lambda own: f"tier-{own.rank}")
    name = factory.LazyAttribute(lambda own: {"en": f"Tier {own.rank}"})
    threshold = factory.LazyAttribute(lambda own: 100 * own.rank)


class OfferFactory(DjangoModelFactory):
    """5.00 off, published."""

    class Meta:
        model = Offer

    title = factory.Sequence(lambda n: {"en": f"Offer {n}"})
    kind = OfferKind.AMOUNT
    amount_minor = 500
    valid_from = AT
    published_at = AT


class CouponFactory(DjangoModelFactory):
    """Issued to its bearer, never expires."""

    class Meta:
        model = Coupon

    code = factory.LazyFunction(lambda: codes.generate(length=Coupon.BODY_LENGTH))
    offer = factory.SubFactory(OfferFactory)
    reference = factory.Sequence(lambda n: f"test:{n}")
    issued_at = AT


class CouponRedemptionFactory(DjangoModelFactory):
    """A row by itself: the counters are moved by `rewards.domain.coupon_redemptions` alone."""

    class Meta:
        model = CouponRedemption

    coupon = factory.SubFactory(CouponFactory)
    offer = factory.SelfAttribute("coupon.offer")
    customer = factory.SelfAttribute("coupon.customer")
    discount_minor = 500
    redeemed_at = AT
    redeemed_by = "system"


class RewardPictureFactory(DjangoModelFactory):
    """Bytes that no browser could show."""

    class Meta:
        model = RewardPicture

    content = factory.Sequence(lambda n: b"picture %d" % n)
    sha256 = factory.LazyAttribute(lambda own: hashlib.sha256(own.content).hexdigest())
    width, height = 40, 30
    stored_at = AT


class RewardFactory(DjangoModelFactory):
    class Meta:
        model = Reward

    name = factory.Sequence(lambda n: {"en": f"Reward {n}"})
    cost_points = 100
    offered_from = AT


class ExperimentFactory(DjangoModelFactory):
    """Everybody is treated, unless told."""

    class Meta:
        model = Experiment

    kind = ExperimentKind.SURPRISE
    name = factory.Sequence(lambda n: f"Experiment {n}")
    salt = factory.Sequence(lambda n: f"salt-{n}")
    holdout_percent = 0
    started_at = AT


class SurpriseRuleFactory(DjangoModelFactory):
    """A coupon after a purchase over 100.00, for everybody, at the till; active. Other triggers need no threshold."""

    class Meta:
        model = SurpriseRule

    name = factory.Sequence(lambda n: f"Surprise {n}")
    threshold_minor = 10_000
    offer = factory.SubFactory(OfferFactory)
    currency = factory.LazyAttribute(lambda own: own.offer.currency if own.offer else "CNY")
    experiment = factory.SubFactory(ExperimentFactory)
    quiet_days = 0
    at_till = True
    active_from = AT
    activated_at = AT
    activated_by = "system"


class TimetableRuleFactory(SurpriseRuleFactory):
    """30 points on the birthday, by the timetable, each time. Its seed is that of a lucky draw."""

    trigger = Trigger.BIRTHDAY
    threshold_minor = None
    offer = None
    points = 30
    at_till = False
    cooldown_days = 0
    seed = factory.LazyAttribute(lambda own: "5eed" if own.trigger == Trigger.RANDOM_DRAW else "")
