"""Rules that are only thought of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from customers.models import Category, Product, Store
from loyalty_site.lib.errors import DomainError
from rewards.models import CapPeriod, EarningKind, EarningRule, Program, Tier


class DraftInvalid(DomainError):
    """`details["errors"]` holds the sentences, by what they are about."""

    code = "draft_invalid"
    message = _("These rules cannot be: %(reason)s")


@dataclass(frozen=True, slots=True)
class RateDraft:
    """`points` for every `per_minor` minor units paid, instead of all base rates."""

    points: int
    per_minor: int


@dataclass(frozen=True, slots=True)
class MultiplierDraft:
    """One more multiplier; 0 leaves the lines out."""

    multiplier: Decimal
    category: Category | None = None
    product: Product | None = None
    store: Store | None = None
    tier: Tier | None = None
    weekdays: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class CapDraft:
    """One more cap: at most `points` a customer and period."""

    points: int
    period: CapPeriod


@dataclass(frozen=True, slots=True)
class Draft:
    """What would be different from now on; what is not named stays as it is.

    `without` are codes of rules that would end. `program` holds fields of Program by name. `thresholds` are those of
    tiers by code.
    """

    rate: RateDraft | None = None
    multipliers: Sequence[MultiplierDraft] = ()
    caps: Sequence[CapDraft] = ()
    without: Sequence[str] = ()
    program: Mapping[str, Any] = field(default_factory=dict)
    thresholds: Mapping[str, int] = field(default_factory=dict)

    def apply(self, *, since: datetime) -> None:
        """Writes it as if it had been in force since `since`. For a transaction that is rolled back.

        Raises DraftInvalid.
        """
        self._end_rules(since)
        try:
            for number, rule in enumerate(self._rules(), start=1):
                rule.code, rule.name, rule.valid_from = f"draft-{number}", f"draft {number}", since
                rule.full_clean()
                rule.save(force_insert=True)
            program = Program.objects.current()
            for name, value in self.program.items():
                setattr(program, name, value)
            program.full_clean()
            program.save()
        except ValidationError as error:
            raise DraftInvalid(reason=" ".join(error.messages)) from error
        self._move_thresholds()

    def _rules(self) -> list[EarningRule]:
        made = []
        if self.rate:
            made.append(EarningRule(kind=EarningKind.BASE, points=self.rate.points, per_minor=self.rate.per_minor))
        for one in self.multipliers:
            made.append(
                EarningRule(
                    kind=EarningKind.MULTIPLIER,
                    multiplier=one.multiplier,
                    category=one.category,
                    product=one.product,
                    store=one.store,
                    tier=one.tier,
                    weekdays=list(one.weekdays),
                )
            )
        for cap in self.caps:
            made.append(EarningRule(kind=EarningKind.CAP, points=cap.points, cap_period=cap.period))
        return made

    def _end_rules(self, since: datetime) -> None:
        unknown = set(self.without) - set(EarningRule.objects.values_list("code", flat=True))
        if unknown:
            raise DraftInvalid(reason=_("there is no rule %(code)s.") % {"code": min(unknown)})
        ended = EarningRule.objects.filter(code__in=self.without)
        if self.rate:
            ended |= EarningRule.objects.filter(kind=EarningKind.BASE)
        ended.filter(valid_from__gte=since).delete()
        ended.exclude(valid_to__lte=since).update(valid_to=since)

    def _move_thresholds(self) -> None:
        for code, threshold in self.thresholds.items():
            try:
                Tier._meta.get_field("threshold").run_validators(threshold)
            except ValidationError as error:
                raise DraftInvalid(reason=" ".join(error.messages)) from error
            if not Tier.objects.filter(code=code).update(threshold=threshold):
                raise DraftInvalid(reason=_("there is no tier %(code)s.") % {"code": code})
        ladder = list(Tier.objects.filter(is_active=True).order_by("rank").values_list("threshold", flat=True))
        if ladder != sorted(set(ladder)):
            raise DraftInvalid(reason=_("a higher tier must need more than the one below it."))
