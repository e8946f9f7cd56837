"""A surprise rule as a manager thinks of it: when, what, how often; with examples to begin with."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.db import models
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
)

from customers.domain import rhythms
from loyalty_site.lib import money
from loyalty_site.lib.admin import RowForm
from rewards.admin import experiment
from rewards.domain import surprises
from rewards.models import PURCHASE_TRIGGERS, Offer, OfferKind, Program, Trigger

# What each trigger needs, with what to say when it is missing.
NEEDED: Mapping[str, Mapping[str, Any]] = {
    Trigger.PURCHASE_OVER: {"threshold_minor": gettext_lazy("Say over how much.")},
    Trigger.NTH_VISIT: {"visit_number": gettext_lazy("Say which purchase.")},
    Trigger.CATEGORY_FIRST: {"category": gettext_lazy("Say which category.")},
    Trigger.WIN_BACK: {
        "absent_days": gettext_lazy("Say how many days."),
        "purchases_min": gettext_lazy("Say how many purchases."),
    },
    Trigger.OVERDUE: {"purchases_min": gettext_lazy("Say how many purchases.")},
    Trigger.RANDOM_DRAW: {"chance_percent": gettext_lazy("Say how often.")},
}


TRIGGER_FIELDS = tuple(dict.fromkeys(name for names in NEEDED.values() for name in names))


class Gives(models.TextChoices):
    NEW_AMOUNT = "NEW_AMOUNT", gettext_lazy("a coupon of its own: an amount off")
    NEW_PERCENT = "NEW_PERCENT", gettext_lazy("a coupon of its own: percent off")
    NEW_GIFT = "NEW_GIFT", gettext_lazy("a gift of its own, to hand over")
    OFFER = "OFFER", gettext_lazy("a coupon of an offer that there is")
    POINTS = "POINTS", gettext_lazy("points")


NEW: Mapping[str, OfferKind] = {
    Gives.NEW_AMOUNT: OfferKind.AMOUNT,
    Gives.NEW_PERCENT: OfferKind.PERCENT,
    Gives.NEW_GIFT: OfferKind.GIFT,
}


class SurpriseRuleForm(RowForm):
    money_fields = {
        "threshold_minor": gettext_lazy("amount over"),
        "cost_minor": gettext_lazy("cost of each"),
        "budget_minor": gettext_lazy("budget"),
    }
    period = ("active_from", "active_to")
    gives = forms.ChoiceField(
        label=gettext_lazy("gives"), choices=Gives.choices, initial=Gives.OFFER, required=False,
        widget=UnfoldAdminSelectWidget,
    )  # fmt: skip
    worth = forms.DecimalField(
        label=gettext_lazy("how much off"), help_text=gettext_lazy("An amount of money, or percent."), required=False,
        min_value=0, max_digits=12, widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "any", "inputmode": "decimal"}),
    )  # fmt: skip
    coupon_days = forms.IntegerField(
        label=gettext_lazy("days a coupon lasts"), min_value=1, max_value=1000, initial=30, required=False,
        widget=UnfoldAdminIntegerFieldWidget,
    )  # fmt: skip
    holdout_percent = experiment.holdout_field(
        gettext_lazy("So many of 100 customers get none, so that one sees whether it brings people back.")
    )

    class Meta:
        help_texts = {
            "title": gettext_lazy("What the customer reads, and the cashier. Empty: the offer's own words."),
            "stays_away_percent": gettext_lazy(
                "How likely they are not to come within 28 days: 40 is likely, and of those below it most come by "
                "themselves. Looked at every day for 28 days. Empty: whoever is away that long."
            ),
            "cost_minor": gettext_lazy("Empty: the amount off, or what the points are worth."),
            "cooldown_days": gettext_lazy("One customer gets it at most once in so many days."),
            "quiet_days": gettext_lazy("Nothing for who was surprised by any rule within so many days."),
            "priority": gettext_lazy("Where several rules fit, the highest number looks first."),
            "issued_max": gettext_lazy("In all. Empty: no limit."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "cost_minor" in self.fields:
            self.fields["cost_minor"].required = False
        if not self.instance.pk:
            self.initial["cost_minor"] = (kwargs.get("initial") or {}).get("cost_minor")
            if self.initial["cost_minor"] is not None:
                self.initial["cost_minor"] = money.to_decimal(self.initial["cost_minor"], self.currency())
            return
        experiment = self.instance.experiment
        self.initial["gives"] = Gives.OFFER if self.instance.offer_id else Gives.POINTS
        self.initial["holdout_percent"] = experiment.holdout_percent
        if "holdout_percent" in self.fields:
            self.fields["holdout_percent"].disabled = experiment.assignments.exists()

    def currency(self) -> str:
        offer = getattr(self, "cleaned_data", {}).get("offer") or self.instance.offer
        if offer and getattr(self, "cleaned_data", {}).get("gives", Gives.OFFER) in ("", Gives.OFFER):
            return str(offer.currency)
        return self.instance.currency if self.instance.pk else Program.objects.current().currency

    def clean(self) -> dict[str, Any]:
        """A trigger's and a gesture's fields only: what another one would need is left out."""
        cleaned = super().clean()
        if self.instance.activated_at:
            self._refuse_less()
            return cleaned
        trigger, needed = cleaned.get("trigger"), NEEDED.get(str(cleaned.get("trigger")), {})
        for name in {*TRIGGER_FIELDS} - needed.keys():
            cleaned[name] = None
        if trigger != Trigger.OVERDUE:
            cleaned["stays_away_percent"] = None
        for name, message in needed.items():
            self.need(name, message)
        cleaned["at_till"] = bool(cleaned.get("at_till")) and trigger in PURCHASE_TRIGGERS
        cleaned["gives"] = cleaned.get("gives") or Gives.OFFER
        self._clean_gesture(cleaned)
        cleaned["currency"] = self.instance.currency = self.currency()
        if not self.errors and cleaned.get("cost_minor") is None:
            cleaned["cost_minor"] = self._cost(cleaned)
        return cleaned

    def new_offer(self) -> Offer | None:
        """The offer that is made with the rule, not saved yet."""
        data = self.cleaned_data
        kind = NEW.get(data.get("gives", ""))
        if kind is None:
            return None
        worth = data.get("worth")
        return Offer(
            title=data["title"],
            description=data.get("message") or {},
            kind=kind,
            amount_minor=money.to_minor(worth, self.currency()) if kind == OfferKind.AMOUNT and worth else None,
            percent=worth if kind == OfferKind.PERCENT else None,
            cost_minor=data.get("cost_minor") or None if kind == OfferKind.GIFT else None,
            currency=self.currency(),
            valid_from=data["active_from"],
            coupon_days=data.get("coupon_days") or 30,
        )

    def _clean_gesture(self, cleaned: dict[str, Any]) -> None:
        gives = cleaned["gives"]
        if gives != Gives.OFFER:
            cleaned["offer"] = None
        if gives != Gives.POINTS:
            cleaned["points"] = None
        if gives == Gives.OFFER:
            self.need("offer", _("Choose an offer."))
        elif gives == Gives.POINTS:
            self.need("points", _("Say how many points."))
        if gives != Gives.OFFER and not cleaned.get("title"):
            self.add_error("title", _("Say what the customer reads."))
        if gives in (Gives.NEW_AMOUNT, Gives.NEW_PERCENT):
            self._clean_worth(gives, cleaned.get("worth"))

    def _clean_worth(self, gives: str, worth: Decimal | None) -> None:
        if not worth:
            self.add_error("worth", _("Say how much."))
        elif gives == Gives.NEW_PERCENT and (worth > 100 or worth.quantize(Decimal("0.01")) != worth):
            self.add_error("worth", _("A percentage goes up to 100, with two decimals at most."))
        elif gives == Gives.NEW_AMOUNT:
            try:
                money.to_minor(worth, self.currency())
            except ValueError:
                self.add_error("worth", _("This is finer than the smallest unit of %s.") % self.currency())

    def _cost(self, cleaned: dict[str, Any]) -> int | None:
        offer, points = cleaned.get("offer") or self.new_offer(), cleaned.get("points")
        cost = surprises.cost_of(offer=offer, points=points, program=Program.objects.current())
        if cost is None:
            self.add_error("cost_minor", _("Say what one costs you: it does not say so itself."))
        return cost

    def _refuse_less(self) -> None:
        """A limit of an active rule only grows; empty is no limit."""
        for name in ("budget_minor", "issued_max"):
            if name in self.fields and (was := getattr(self.instance, name)) is not None:
                value = self.cleaned_data.get(name)
                if name not in self.errors and value is not None and value < was:
                    self.add_error(name, _("The rule is active: this can only grow."))

    def _get_validation_exclusions(self) -> set[str]:
        """The rule's own offer is only made when it is saved."""
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return excluded | {"offer", "points"} if self.cleaned_data.get("gives") in NEW else excluded


TEMPLATES: Mapping[str, Mapping[str, Any]] = {
    "big-purchase": {
        "icon": "shopping_bag",
        "name": gettext_noop("Thank for a big purchase"),
        "title": gettext_noop("Thank you for a big shop"),
        "message": gettext_noop("You made our day. The next time something is off."),
        "values": {"trigger": Trigger.PURCHASE_OVER, "at_till": True, "threshold_minor": 100, "gives": Gives.NEW_AMOUNT,
                   "worth": 5, "cooldown_days": 30},
    },
    "tenth-visit": {
        "icon": "repeat",
        "name": gettext_noop("Every 10th visit"),
        "title": gettext_noop("A little something for you"),
        "message": gettext_noop("This was your tenth visit again. Thank you for coming back."),
        "values": {"trigger": Trigger.NTH_VISIT, "at_till": True, "visit_number": 10, "gives": Gives.NEW_GIFT,
                   "cost_minor": 2, "cooldown_days": 1},
    },
    "birthday": {
        "icon": "cake",
        "name": gettext_noop("Birthday"),
        "title": gettext_noop("Happy birthday!"),
        "message": gettext_noop("All the best from all of us. Treat yourself to something."),
        "values": {"trigger": Trigger.BIRTHDAY, "gives": Gives.NEW_AMOUNT, "worth": 5, "cooldown_days": 300},
    },
    "win-back": {
        "icon": "waving_hand",
        "name": gettext_noop("We miss you"),
        "title": gettext_noop("We miss you"),
        "message": gettext_noop("It has been a while. Come and see what is new."),
        "values": {"trigger": Trigger.WIN_BACK, "absent_days": 60, "purchases_min": 3, "gives": Gives.NEW_PERCENT,
                   "worth": 10, "cost_minor": 5, "cooldown_days": 180},
    },
    "overdue": {
        "icon": "trending_down",
        "name": gettext_noop("Win back who is late by their own rhythm"),
        "title": gettext_noop("We miss you"),
        "message": gettext_noop("It has been a while. Come and see what is new."),
        "values": {"trigger": Trigger.OVERDUE, "purchases_min": 3, "stays_away_percent": rhythms.LIKELY_PERCENT,
                   "gives": Gives.NEW_PERCENT, "worth": 10, "cost_minor": 5, "cooldown_days": 60},
    },
    "new-category": {
        "icon": "explore",
        "name": gettext_noop("First time in a category"),
        "title": gettext_noop("Something new for you"),
        "message": gettext_noop("You tried something new. We hope you like it."),
        "values": {"trigger": Trigger.CATEGORY_FIRST, "at_till": True, "gives": Gives.POINTS, "points": 50,
                   "cooldown_days": 0},
    },
    "lucky-draw": {
        "icon": "casino",
        "name": gettext_noop("Lucky draw"),
        "title": gettext_noop("Lucky you!"),
        "message": gettext_noop("Your purchase was drawn. Just because."),
        "values": {"trigger": Trigger.RANDOM_DRAW, "at_till": True, "chance_percent": 2, "gives": Gives.POINTS,
                   "points": 100, "cooldown_days": 90},
    },
}  # fmt: skip
_MONEY = ("threshold_minor", "cost_minor", "budget_minor")


def begun_with(key: str, *, program: Program, now: datetime) -> dict[str, Any]:
    """What a new rule's form is filled with; amounts are in the programme's currency, of usual size."""
    told = TEMPLATES.get(key)
    if told is None:
        return {}
    unit = 10 ** (money.digits(program.currency) or 2)
    values = dict(told["values"])
    values |= {name: values[name] * unit for name in _MONEY if name in values}
    if values["gives"] == Gives.NEW_AMOUNT:
        values["worth"] = money.to_decimal(values["worth"] * unit, program.currency)
    return {
        "name": _(told["name"]),
        "title": _in_every_language(told["title"]),
        "message": _in_every_language(told["message"]),
        "budget_minor": 1000 * unit,
        "quiet_days": 7,
        "active_from": now.replace(second=0, microsecond=0),
        **values,
    }


def _in_every_language(text: str) -> dict[str, str]:
    said = {}
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            said[code] = translation.gettext(text)
    return said


def examples() -> list[dict[str, str]]:
    return [{"key": key, "icon": told["icon"], "name": _(told["name"])} for key, told in TEMPLATES.items()]
