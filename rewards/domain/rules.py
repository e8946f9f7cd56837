"""The earning rules in force, and their versions."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, time
from decimal import Decimal
from typing import TypedDict, Unpack

from django.db import connection, transaction
from django.db.models import Max, Q
from django.utils.translation import gettext_lazy as _

from customers.domain import audit
from customers.models import Category, Customer, Product, Store
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError
from rewards.domain import earning, windows
from rewards.domain.breakdowns import MILLI
from rewards.models import CapPeriod, EarningKind, EarningRule, Tier


class RuleNotYetInForce(DomainError):
    code = "rule_not_yet_in_force"
    message = _("The present version of this rule begins on %(valid_from)s; a new one can only begin later.")


class RuleTerms(TypedDict, total=False):
    name: str
    kind: EarningKind
    points: int | None
    per_minor: int | None
    multiplier: Decimal | None
    cap_period: str
    category: Category | None
    product: Product | None
    store: Store | None
    tier: Tier | None
    weekdays: list[int]
    time_from: time | None
    time_to: time | None
    valid_to: datetime | None


class EffectiveTerms(TypedDict):
    """For `effective`, and for `effective_of`, which computes the same of rules that were read before."""

    at: datetime
    currency: str
    earns_on_tax: bool


def effective(*, at: datetime, currency: str, earns_on_tax: bool = True) -> earning.Rules:
    """The rules for a purchase made at `at`; `currency` and whether tax earns are the programme's."""
    in_force = EarningRule.objects.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=at), valid_from__lte=at)
    found = list(in_force.select_related("tier").order_by("code"))
    return _as_calculated(found, currency, earns_on_tax)


def all_versions() -> tuple[EarningRule, ...]:
    """For `effective_of`: the rules of all times."""
    return tuple(EarningRule.objects.select_related("tier").order_by("code"))


def effective_of(
    *, versions: Sequence[EarningRule], at: datetime, currency: str, earns_on_tax: bool = True
) -> earning.Rules:
    """The same as `effective`, of rules that were read before."""
    found = [rule for rule in versions if rule.valid_from <= at and (rule.valid_to is None or rule.valid_to > at)]
    return _as_calculated(found, currency, earns_on_tax)


def _as_calculated(found: Sequence[EarningRule], currency: str, earns_on_tax: bool) -> earning.Rules:
    return earning.Rules(
        currency=currency,
        rates=_rates(found),
        multipliers=_multipliers(found),
        caps=_caps(found),
        earns_on_tax=earns_on_tax,
    )


def with_earned_before(*, caps: Sequence[earning.Cap], customer: Customer, at: datetime) -> tuple[earning.Cap, ...]:
    """The caps for this customer's purchase made at `at`: with what purchases earned in their periods, less what their
    returns took back. While the customer's account is locked nobody else can fill them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT earning_before(%s, period, %s) FROM unnest(%s::text[]) AS period",
            [customer.pk, at, [cap.period for cap in caps]],
        )
        return tuple(replace(cap, before=before) for cap, (before,) in zip(caps, cursor.fetchall(), strict=True))


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
            int(rule.multiplier * MILLI),
            category=rule.category_id,
            product=rule.product_id,
            store=rule.store_id,
            tier=rule.tier_id,
            tier_name=rule.tier.name if rule.tier else None,
            window=_window(rule),
        )
        for rule in found
        if rule.multiplier is not None
    ]


def _window(rule: EarningRule) -> windows.Window | None:
    if not rule.weekdays and rule.time_from is None:
        return None
    return windows.Window(frozenset(rule.weekdays), rule.time_from, rule.time_to)


def _caps(found: Sequence[EarningRule]) -> tuple[earning.Cap, ...]:
    return tuple(
        earning.Cap(rule.code, rule.version, rule.name, rule.points, CapPeriod(rule.cap_period).value)
        for rule in found
        if rule.kind == EarningKind.CAP and rule.points
    )
