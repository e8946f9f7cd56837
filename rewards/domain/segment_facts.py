"""What a segment can be built of besides what customers are and buy: points and tiers."""

from django.utils.translation import gettext_lazy as _

from customers.domain.segment_facts import Choices, Fact, Facts, Input
from rewards.models import Tier

POINTS = _("Points")
POINTS_MAX = 1_000_000_000


def _tiers() -> Choices:
    return [(tier.pk, str(tier)) for tier in Tier.objects.order_by("rank")]


FACTS: Facts = {
    "points": Fact(
        _("Points balance"),
        POINTS,
        _("has %(least)s to %(most)s points"),
        "SELECT a.customer_id FROM rewards_pointsaccount a WHERE a.balance BETWEEN %(least)s AND %(most)s",
        (
            Input("least", _("at least"), low=0, high=POINTS_MAX, initial=1),
            Input("most", _("at most"), low=0, high=POINTS_MAX, initial=POINTS_MAX),
        ),
    ),
    "tier": Fact(
        _("Tier"),
        POINTS,
        _("is in the tier “%(tier)s”"),
        "SELECT m.customer_id FROM rewards_tiermembership m WHERE m.tier_id = %(tier)s",
        (Input("tier", _("tier"), choices=_tiers),),
    ),
}
