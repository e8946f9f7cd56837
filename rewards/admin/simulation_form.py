"""The form of the what-if page: the programme as it is, and the draft that what was changed in it makes."""

import shlex
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db.models import Min, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.models import Category, Purchase, Store
from loyalty_site.lib import money
from rewards.domain.simulation import CapDraft, Draft, MultiplierDraft, RateDraft
from rewards.models import (
    CapPeriod,
    EarningKind,
    EarningRule,
    ExpiryPolicy,
    PeriodEnd,
    Program,
    Tier,
    TierBasis,
    Weekday,
)
from rewards.models.earning import MULTIPLIER_MAX, POINTS_PER_MINOR_MAX
from rewards.models.program import EXPIRY_DAYS

INTEGER_MAX, THRESHOLD_MAX = 2**31 - 1, 2**63 - 1
MONEY_DIGITS = 12
TERMS_OF_LAPSE = {
    ExpiryPolicy.NEVER: (),
    ExpiryPolicy.ROLLING: ("expiry_months", "expiry_period_end"),
    ExpiryPolicy.INACTIVITY: ("expiry_months", "expiry_period_end"),
    ExpiryPolicy.FIXED: ("expiry_months", "expiry_days"),
}


def _number(label: Any, *, low: int, high: int, help_text: Any = "") -> forms.IntegerField:
    widget = forms.NumberInput({"class": "bo-input"})
    return forms.IntegerField(
        label=label, min_value=low, max_value=high, required=False, widget=widget, help_text=help_text
    )


def _choice(label: Any, choices: Any) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=choices, required=False, widget=forms.Select({"class": "bo-input"}))


def _row(label: Any, rows: Any, empty: Any) -> Any:
    widget = forms.Select({"class": "bo-input"})
    return forms.ModelChoiceField(label=label, queryset=rows, empty_label=empty, required=False, widget=widget)


class WhatIfForm(forms.Form):
    """Every field is filled with the present; what is emptied stays as it is, too."""

    since = forms.DateField(
        label=gettext_lazy("since"),
        input_formats=["%Y-%m-%d"],
        widget=forms.DateInput({"type": "date", "class": "bo-input"}, format="%Y-%m-%d"),
    )
    points = _number(gettext_lazy("points"), low=1, high=INTEGER_MAX)
    amount = forms.DecimalField(
        label=gettext_lazy("for every"),
        required=False,
        min_value=0,
        max_digits=MONEY_DIGITS,
        widget=forms.NumberInput({"class": "bo-input", "step": "any", "inputmode": "decimal"}),
    )
    multiplier = forms.DecimalField(
        label=gettext_lazy("times"),
        required=False,
        max_digits=6,
        decimal_places=3,
        validators=[MinValueValidator(0), MaxValueValidator(MULTIPLIER_MAX)],
        widget=forms.NumberInput({"class": "bo-input", "step": "any", "inputmode": "decimal"}),
        help_text=gettext_lazy("Empty: no such rule. 0 leaves these goods out."),
    )
    category = _row(gettext_lazy("category"), Category.objects.order_by("name"), gettext_lazy("all goods"))
    store = _row(gettext_lazy("store"), Store.objects.order_by("name"), gettext_lazy("all stores"))
    tier = _row(gettext_lazy("tier"), Tier.objects.order_by("rank"), gettext_lazy("everybody"))
    weekdays = forms.TypedMultipleChoiceField(
        label=gettext_lazy("weekdays"),
        choices=Weekday.choices,
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("None: every day."),
    )
    cap_points = _number(
        gettext_lazy("points at most"), low=1, high=INTEGER_MAX, help_text=gettext_lazy("Empty: no such rule.")
    )
    cap_period = _choice(gettext_lazy("in a"), CapPeriod.choices)
    without = forms.MultipleChoiceField(
        label=gettext_lazy("leave out"), required=False, widget=forms.CheckboxSelectMultiple
    )
    expiry_policy = _choice(gettext_lazy("points lapse"), ExpiryPolicy.choices)
    expiry_months = _number(gettext_lazy("months"), low=0, high=120)
    expiry_period_end = _choice(gettext_lazy("rounded up to the"), PeriodEnd.choices)
    expiry_days = forms.CharField(
        label=gettext_lazy("days of the year"),
        required=False,
        max_length=100,
        widget=forms.TextInput({"class": "bo-input"}),
        validators=[
            RegexValidator(
                EXPIRY_DAYS, gettext_lazy("Days are written as month-day with commas between: 06-30, 12-31.")
            )
        ],
        help_text=gettext_lazy("Only with fixed days."),
    )
    pending_days = _number(gettext_lazy("pending days"), low=0, high=365)

    def __init__(self, data: Any = None, *, at: datetime) -> None:
        self.program, self.at = Program.objects.current(), at
        now = EarningRule.objects.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=at), valid_from__lte=at)
        self.rate = max(now.filter(kind=EarningKind.BASE).order_by("code"), key=_worth, default=None)
        self.ladder: Sequence[Tier] = list(Tier.objects.filter(is_active=True).order_by("rank"))
        present = self._present()
        if data is not None:
            data = data.copy()
            for name in present.keys() - data.keys():
                data[name] = present[name]
        super().__init__(data, initial=present)
        added = now.exclude(kind=EarningKind.BASE).order_by("kind", "name")
        self.fields["without"].choices = [(rule.code, rule.name) for rule in added]  # type: ignore[attr-defined]
        for tier in self.ladder:
            self.fields[_name(tier)] = self._threshold_field(tier)

    @property
    def start(self) -> datetime:
        """The midnight that begins the day, in the programme's zone. Of a valid form."""
        return datetime.combine(self.cleaned_data["since"], time.min, tzinfo=ZoneInfo(self.program.timezone))

    def clean_since(self) -> date:
        day: date = self.cleaned_data["since"]
        if day.year < 1970 or day > self._today():
            raise forms.ValidationError(_("Please choose a day from 1970 on that has begun."))
        return day

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        self._to_minor(cleaned, "amount")
        self._clean_rate(cleaned)
        narrowed = [name for name in ("category", "store", "tier", "weekdays") if cleaned.get(name)]
        if narrowed and cleaned.get("multiplier") is None and "multiplier" not in self.errors:
            self.add_error("multiplier", _("Say how many times the points count."))
        if cleaned.get("expiry_months") == 0 and self._told("expiry_policy") not in (
            ExpiryPolicy.FIXED,
            ExpiryPolicy.NEVER,
        ):
            self.add_error("expiry_months", _("Give at least one month; only with fixed days there may be none."))
        self._clean_ladder(cleaned)
        return cleaned

    def draft(self) -> Draft:
        """What differs from the present, of a valid form."""
        told = self.cleaned_data
        policy = self._told("expiry_policy")
        terms = {name: self._told(name) for name in ("expiry_policy", "pending_days", *TERMS_OF_LAPSE[policy])}
        thresholds = {tier.code: told[_name(tier)] for tier in self.ladder if told[_name(tier)] is not None}
        return Draft(
            rate=self._rate(),
            multipliers=self._multipliers(),
            caps=(CapDraft(told["cap_points"], CapPeriod(self._told("cap_period"))),) if told["cap_points"] else (),
            without=tuple(told["without"]),
            program={name: value for name, value in terms.items() if value != getattr(self.program, name)},
            thresholds={tier.code: thresholds[tier.code] for tier in self.ladder
                        if thresholds.get(tier.code, tier.threshold) != tier.threshold},
        )  # fmt: skip

    def command(self) -> str:
        """What does the same at a shell, of a valid form."""
        draft, currency = self.draft(), self.program.currency
        words = [f"--since={self.cleaned_data['since']}"]
        if draft.rate:
            words.append(f"--rate={draft.rate.points}/{money.to_decimal(draft.rate.per_minor, currency)}")
        for one in draft.multipliers:
            words.append(f"--multiplier={one.category.code if one.category else ''}={one.multiplier.normalize():f}")
            words += [f"--store={one.store.code}"] if one.store else []
            words += [f"--in-tier={one.tier.code}"] if one.tier else []
            words += [f"--weekdays={''.join(map(str, one.weekdays))}"] if one.weekdays else []
        words += [f"--cap={cap.points}/{cap.period.value}" for cap in draft.caps]
        words += [f"--without={code}" for code in draft.without]
        if draft.program.keys() - {"pending_days"}:
            policy = self._told("expiry_policy")
            words.append(
                f"--expiry={':'.join(str(self._told(name)) for name in ('expiry_policy', *TERMS_OF_LAPSE[policy]))}"
            )
        if "pending_days" in draft.program:
            words.append(f"--pending-days={draft.program['pending_days']}")
        words += [f"--tier={code}={threshold}" for code, threshold in draft.thresholds.items()]
        return shlex.join([".venv/bin/python", "manage.py", "simulate_program", *words])

    def thresholds(self) -> list[forms.BoundField]:
        return [self[_name(tier)] for tier in self.ladder]

    def _today(self) -> date:
        return timezone.localdate(self.at, ZoneInfo(self.program.timezone))

    def _present(self) -> dict[str, Any]:
        names = ("expiry_policy", "expiry_months", "expiry_period_end", "expiry_days", "pending_days")
        present: dict[str, Any] = {name: getattr(self.program, name) for name in names}
        if self.rate and self.rate.per_minor:
            amount = money.to_decimal(self.rate.per_minor, self.program.currency)
            present |= {"points": self.rate.points, "amount": amount}
        is_money = self.program.tier_basis == TierBasis.SPEND
        for tier in self.ladder:
            threshold = tier.threshold
            present[_name(tier)] = money.to_decimal(threshold, self.program.currency) if is_money else threshold
        first = Purchase.objects.aggregate(first=Min("purchased_at"))["first"]
        year = self._today() - timedelta(days=365)
        first_day = timezone.localdate(first, ZoneInfo(self.program.timezone)) if first else year
        return {**present, "since": max(year, first_day), "cap_period": CapPeriod.MONTH}

    def _threshold_field(self, tier: Tier) -> forms.Field:
        if self.program.tier_basis != TierBasis.SPEND:
            return _number(str(tier), low=0, high=THRESHOLD_MAX)
        widget = forms.NumberInput({"class": "bo-input", "step": "any", "inputmode": "decimal"})
        return forms.DecimalField(label=str(tier), min_value=0, max_digits=MONEY_DIGITS, required=False, widget=widget)

    def _told(self, name: str) -> Any:
        """What was chosen, else the present."""
        value = self.cleaned_data.get(name)
        return self.initial[name] if value in (None, "") else value

    def _to_minor(self, cleaned: dict[str, Any], name: str) -> None:
        if cleaned.get(name) is not None:
            try:
                cleaned[name] = money.to_minor(cleaned[name], self.program.currency)
            except ValueError:
                message = _("%(currency)s has no smaller unit than this: write fewer digits after the point.")
                self.add_error(name, message % {"currency": self.program.currency})

    def _clean_rate(self, cleaned: dict[str, Any]) -> None:
        """Both or, where there is no present rate, neither."""
        points, per_minor = cleaned.get("points"), cleaned.get("amount")
        if per_minor == 0 or self.rate is None and points and per_minor is None and "amount" not in self.errors:
            self.add_error("amount", _("Say for how much money."))
        elif self.rate is None and per_minor and points is None and "points" not in self.errors:
            self.add_error("points", _("Say how many points."))
        elif not self.errors.keys() & {"points", "amount"}:
            rate = self._rate()
            if rate and rate.per_minor > INTEGER_MAX:
                self.add_error("amount", _("This is too much money."))
            elif rate and rate.points > rate.per_minor * POINTS_PER_MINOR_MAX:
                message = _("At most %s points for the smallest unit of money.")
                self.add_error("points", message % POINTS_PER_MINOR_MAX)

    def _clean_ladder(self, cleaned: dict[str, Any]) -> None:
        below = -1
        for tier in self.ladder:
            name = _name(tier)
            if self.program.tier_basis == TierBasis.SPEND:
                self._to_minor(cleaned, name)
            threshold = tier.threshold if cleaned.get(name) is None else cleaned[name]
            if threshold <= below and name not in self.errors:
                self.add_error(name, _("A higher tier must need more than the one below it."))
            below = threshold

    def _rate(self) -> RateDraft | None:
        points, per_minor = self.cleaned_data.get("points"), self.cleaned_data.get("amount")
        if self.rate:
            points, per_minor = points or self.rate.points, per_minor or self.rate.per_minor
            if (points, per_minor) == (self.rate.points, self.rate.per_minor):
                return None
        return RateDraft(points, per_minor) if points and per_minor else None

    def _multipliers(self) -> tuple[MultiplierDraft, ...]:
        told = self.cleaned_data
        times: Decimal | None = told["multiplier"]
        if times is None:
            return ()
        goods = {name: told[name] for name in ("category", "store", "tier", "weekdays")}
        return (MultiplierDraft(times, **goods),)


def _worth(rule: EarningRule) -> Fraction:
    """Of several base rates in force the best one counts."""
    return Fraction(rule.points or 0, rule.per_minor or 1)


def _name(tier: Tier) -> str:
    return f"tier-{tier.pk}"
