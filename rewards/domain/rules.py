"""The earning rules in force, and their versions."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import TypedDict, Unpack

from django.db import transaction
from django.db.models import Max, Q
from django.utils.translation import gettext_lazy as _

from customers.domain import audit
from customers.models import Category, Product, Store
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError
from rewards.domain import earning
from rewards.models import EarningKind, EarningRule


class RuleNotYetInForce(DomainError):
    code = "rule_not_yet_in_force"
    message = _("The present version of this rule begins on %(valid_from)s; a new one can only begin later.")


class RuleTerms(TypedDict, total=False):
    name: str
    kind: EarningKind
    points: int | None
    per_minor: int | None
    multiplier: Decimal | None
    category: Category | None
    product: Product | None
    store: Store | None
    valid_to: datetime | None


def effective(*, at: datetime, currency: str) -> earning.Rules:
    """The rules for a purchase made at `at`; `currency` is the programme's."""
    found = list(
        EarningRule.objects.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=at), valid_from__lte=at).order_by("code")
    )
    return earning.Rules(currency=currency, rates=_rates(found), multipliers=_multipliers(found))


@transaction.atomic
def change(*, code: str, valid_from: datetime, by: Actor, at: datetime, **terms: Unpack[RuleTerms]) -> EarningRule:
    """A new version from `valid_from` on, which ends the present one; the first one when the code is new.

    Terms that are not given stay as they are. Purchases keep the version they were computed by. Raises
    RuleNotYetInForce when the present version would end before it begins.
    """
    present = EarningRule.objects.select_for_update(no_key=True).filter(code=code, valid_to__isnull=True).first()
    last_version = EarningRule.objects.filter(code=code).aggregate(last=Max("version"))["last"] or 0
    rule = EarningRule(code=code)
    if present:
        if present.valid_from >= valid_from:
            raise RuleNotYetInForce(valid_from=present.valid_from)
        for name in RuleTerms.__annotations__:
            setattr(rule, name, getattr(present, name))
        present.valid_to = valid_from
        present.save(update_fields=["valid_to"])
    for name, value in terms.items():
        setattr(rule, name, value)
    rule.version, rule.valid_from = last_version + 1, valid_from
    rule.save(force_insert=True)
    data = {"code": code, "version": rule.version}
    audit.record(actor=by, action="earning_rule.changed", subject=f"earningrule:{rule.pk}", data=data, at=at)
    return rule


def _rates(found: Sequence[EarningRule]) -> list[earning.Rate]:
    return [
        earning.Rate(rule.code, rule.version, rule.name, rule.points, rule.per_minor)
        for rule in found
        if rule.kind == EarningKind.BASE and rule.points and rule.per_minor
    ]


def _multipliers(found: Sequence[EarningRule]) -> list[earning.Multiplier]:
    return [
        earning.Multiplier(
            rule.code,
            rule.version,
            rule.name,
            int(rule.multiplier * earning.MILLI),
            category=rule.category_id,
            product=rule.product_id,
            store=rule.store_id,
        )
        for rule in found
        if rule.multiplier is not None
    ]
