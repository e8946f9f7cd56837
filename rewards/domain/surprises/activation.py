"""Rules begin and end; from draft to active to ended, never back."""

import hashlib
import secrets
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from customers.domain import audit
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError
from rewards.domain import offers
from rewards.models import Offer, Program, SurpriseRule, Trigger


class RuleActive(DomainError):
    code = "surprise_rule_active"
    message = _("This rule is active: what it promised stays as it is.")


class RuleEnded(DomainError):
    code = "surprise_rule_ended"
    message = _("This rule has ended. Make a new one instead.")


class RuleOtherCurrency(DomainError):
    code = "surprise_rule_other_currency"
    message = _("The rule is for %(rule)s and its offer for %(offer)s: they must be the same.")


def cost_of(*, offer: Offer | None, points: int | None, program: Program) -> int | None:
    """What one gesture costs at most, in minor units, where it says so itself: an amount off, a cap, a gift's cost, or
    what the points are worth. None where somebody has to say it: a percentage without a cap."""
    if points is not None:
        return points * program.point_value_minor
    return (offer.amount_minor or offer.discount_max_minor or offer.cost_minor) if offer else None


@transaction.atomic
def activate(*, rule: SurpriseRule, by: Actor, at: datetime) -> None:
    """From now on it surprises, and what it promises stays as it is; doing it again changes nothing.

    An offer that is still a draft is published with it. A lucky draw gets its seed: the log keeps the seed's SHA-256,
    which shows later that it was not exchanged. Raises RuleEnded, RuleOtherCurrency, OfferNotLive, OfferWithdrawn,
    OfferCostMissing.
    """
    kept = SurpriseRule.objects.select_for_update(of=("self",)).select_related("offer").get(pk=rule.pk)
    if kept.ended_at:
        raise RuleEnded
    if kept.activated_at is None:
        _open_offer(kept, by, at)
        kept.activated_at, kept.activated_by = at, str(by)
        kept.seed = secrets.token_hex(32) if kept.trigger == Trigger.RANDOM_DRAW else ""
        kept.save(update_fields=["activated_at", "activated_by", "seed"])
        data = {"seed_sha256": hashlib.sha256(kept.seed.encode()).hexdigest()} if kept.seed else {}
        audit.record(actor=by, action="surprise_rule.activated", subject=_subject(kept), data=data, at=at)
    rule.refresh_from_db()


@transaction.atomic
def end(*, rule: SurpriseRule, by: Actor, at: datetime) -> None:
    """It surprises nobody any more; what it gave stays good. Doing it again changes nothing; a draft is not ended."""
    if SurpriseRule.objects.filter(pk=rule.pk, activated_at__isnull=False, ended_at__isnull=True).update(ended_at=at):
        audit.record(actor=by, action="surprise_rule.ended", subject=_subject(rule), at=at)
    rule.refresh_from_db()


def _open_offer(rule: SurpriseRule, by: Actor, at: datetime) -> None:
    if rule.offer is None:
        return
    if rule.offer.currency != rule.currency:
        raise RuleOtherCurrency(rule=rule.currency, offer=rule.offer.currency)
    offers.publish(offer=rule.offer, by=by, at=at)
    offers.refuse_unless_live(offer=rule.offer, at=max(at, rule.active_from))


def _subject(rule: SurpriseRule) -> str:
    return f"surprise-rule:{rule.pk}"
