"""What a merge will do, side by side, before anybody confirms it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from customers.domain import merges
from customers.models import Card, Consent, Customer, Preference, Purchase, Purpose
from loyalty_site.lib.numbers import points as points_text
from rewards.domain import points, queries
from rewards.models import Coupon, RewardRedemption

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Row:
    """What both have, and how it will be; `is_lost` where a value of the source gives way to the target's."""

    label: Text
    source: str
    target: str
    after: str
    is_lost: bool = False


def rows(*, source: Customer, target: Customer, at: datetime) -> list[Row]:
    return [
        *_contacts(source, target),
        *_points(source, target, at),
        *_counts(source, target, at),
        *_consents(source, target),
    ]


def _contacts(source: Customer, target: Customer) -> list[Row]:
    """The target's win; where it has none the source's go over."""
    told: list[tuple[Text, Callable[[Customer], str]]] = [
        (pgettext_lazy("person", "Name"), lambda row: row.name),
        (gettext_lazy("E-mail"), lambda row: row.email),
        (gettext_lazy("Phone"), lambda row: str(row.phone or "")),
        (gettext_lazy("Birthday"), lambda row: date_format(row.birthday, "DATE_FORMAT") if row.birthday else ""),
    ]
    found = [(label, read(source), read(target)) for label, read in told]
    return [
        Row(label, gone, kept, kept or gone, is_lost=bool(gone and kept and gone != kept))
        for label, gone, kept in found
    ]


def _points(source: Customer, target: Customer, at: datetime) -> list[Row]:
    """After a merge the balances are one sum: a debt of either side is paid from what the other has."""
    gone, kept = (points.summary(customer=customer, at=at) for customer in (source, target))
    balances = [summary.available + summary.pending + summary.held - summary.debt for summary in (gone, kept)]
    rows = [_sum(_("Points"), balances, points_text)]
    if gone.pending or kept.pending:
        rows.append(_sum(_("of these pending"), [gone.pending, kept.pending], points_text))
    return rows


def _counts(source: Customer, target: Customer, at: datetime) -> list[Row]:
    counted: list[tuple[Text, Callable[[Customer], int]]] = [
        (gettext_lazy("Purchases"), lambda row: Purchase.objects.filter(customer=row).count()),
        (gettext_lazy("Coupons to use"), lambda row: len(queries.available_coupons(customer=row, at=at))),
        (gettext_lazy("All coupons"), lambda row: Coupon.objects.filter(customer=row).count()),
        (gettext_lazy("Rewards taken"), lambda row: RewardRedemption.objects.filter(customer=row).count()),
        (gettext_lazy("Numbers and cards"), lambda row: 1 + Card.objects.filter(customer=row).count()),
    ]
    rows = [_sum(label, [read(customer) for customer in (source, target)], str) for label, read in counted]
    gone, kept = (
        set(Preference.objects.filter(customer=row).values_list("category", flat=True)) for row in (source, target)
    )
    return [*rows, Row(_("Likes"), str(len(gone)), str(len(kept)), str(len(gone | kept)))]


def _consents(source: Customer, target: Customer) -> list[Row]:
    goes_over, ends = merges.consents_at_stake(source=source, target=target)
    gone, kept = (
        set(Consent.objects.filter(customer=row, withdrawn_at__isnull=True).values_list("purpose", flat=True))
        for row in (source, target)
    )
    after = kept - {consent.purpose for consent in ends} | {consent.purpose for consent in goes_over}
    words = {True: _("yes"), False: _("no")}
    goes, stays = (row.profiling_refused_at is None for row in (source, target))
    recommended = Row(_("Recommendations"), words[goes], words[stays], words[goes and stays])
    allowed = [
        Row(_("Allows: %s") % purpose.label, words[purpose in gone], words[purpose in kept], words[purpose in after])
        for purpose in Purpose
    ]
    return [*allowed, recommended]


def _sum(label: Text, numbers: Sequence[int], text: Callable[[int], str]) -> Row:
    gone, kept = numbers
    return Row(label, text(gone), text(kept), text(gone + kept))
