"""Ledger entries in words, in the active language, for customers and staff alike."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast
from zoneinfo import ZoneInfo

from django.utils import formats
from django.utils.translation import gettext as _

from customers.models import CustomerMerge, Purchase, PurchaseReturn, Store
from loyalty_site.lib import numbers
from loyalty_site.lib.money import format_money
from loyalty_site.lib.texts import joined
from rewards.domain import earning_words
from rewards.domain.breakdowns import Breakdown
from rewards.domain.points import GRACE_DAYS
from rewards.models import EntryKind, PointsEntry, Program, RewardRedemption


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the entries refer to, fetched for all of them at once."""

    purchases: Mapping[str, Purchase]
    returns: Mapping[str, PurchaseReturn]
    redemptions: Mapping[int, RewardRedemption]
    merges: Mapping[int, CustomerMerge]
    timezone: ZoneInfo


def explain(entry: PointsEntry) -> str:
    """One sentence or a few: what for, which rules, what was left out, how it was rounded."""
    return explained([entry])[0].explanation


def explained(entries: Iterable[PointsEntry]) -> Sequence[PointsEntry]:
    """The entries, each with its `explanation`: `headline`, then `fine_print`. Any number takes the same queries."""
    entries = list(entries)
    facts = _facts(entries)
    for entry in entries:
        entry.headline, *rest = sentences = _sentences(entry, facts)
        entry.fine_print = joined(rest)
        entry.explanation = joined(sentences)
    return entries


def _facts(entries: Sequence[PointsEntry]) -> _Facts:
    bought = Purchase.objects.filter(pk__in=_told(entries, "purchase:")).select_related("store")
    brought_back = PurchaseReturn.objects.filter(pk__in=_told(entries, "return:")).select_related("store")
    redeemed = {entry.corrects_id if entry.kind == EntryKind.REIMBURSE else entry.pk for entry in entries}
    taken = RewardRedemption.objects.filter(entry__in=redeemed - {None}).select_related("reward")
    of_merges = {pk for entry in entries if (pk := _merge_of(entry))}
    joined = CustomerMerge.objects.select_related("source", "target").in_bulk(of_merges) if of_merges else {}
    return _Facts(
        purchases={f"purchase:{purchase.pk}": purchase for purchase in bought},
        returns={f"return:{made.pk}": made for made in brought_back},
        redemptions={redemption.entry_id: redemption for redemption in taken},
        merges=joined,
        timezone=ZoneInfo(Program.objects.current().timezone),
    )


def _told(entries: Sequence[PointsEntry], prefix: str) -> list[int]:
    told = [entry.reference.removeprefix(prefix) for entry in entries if entry.reference.startswith(prefix)]
    return [int(pk) for pk in told if pk.isdecimal()]


def _sentences(entry: PointsEntry, facts: _Facts) -> list[str]:
    points = numbers.points(abs(entry.points))
    match entry.kind:
        case EntryKind.AWARD:
            return _award(entry, points, facts)
        case EntryKind.REDEEM:
            return [_redemption(entry, points, facts)]
        case EntryKind.CLAW_BACK:
            return _claw_back(entry, points, facts)
        case EntryKind.REIMBURSE:
            return _reimbursement(entry, points, facts)
        case EntryKind.EXPIRE:
            last_day = (entry.happened_at - timedelta(microseconds=1)).astimezone(facts.timezone)
            return [_("%(points)s lapsed at the end of %(date)s.") % {"points": points, "date": _date(last_day)}]
        case EntryKind.MERGE:
            return [_merge(entry, points, facts)]
        case _:
            return [_adjustment(entry, points)]


def _award(entry: PointsEntry, points: str, facts: _Facts) -> list[str]:
    purchase = facts.purchases.get(entry.reference)
    if purchase is None:
        return [_thanks(entry, points)]
    if entry.breakdown is None:
        return [_("%(points)s for a purchase at %(store)s on %(date)s.") % {"points": points, **_where(purchase)}]
    breakdown = cast(Breakdown, entry.breakdown)
    amount = format_money(breakdown["paid_minor"], breakdown["currency"])
    first = _("%(points)s for %(amount)s at %(store)s on %(date)s.")
    told = first % {"points": points, "amount": amount, **_where(purchase)}
    return [told, *earning_words.of_breakdown(breakdown)]


def _thanks(entry: PointsEntry, points: str) -> str:
    """Awards that no purchase earned. The prefix of a reference is all that is known here of who caused it."""
    if entry.reason:
        return _("%(points)s: %(reason)s") % {"points": points, "reason": entry.reason}
    if entry.reference.startswith(("survey-response:", "survey-delivery:")):
        return _("%(points)s as a thank-you for answering a survey.") % {"points": points}
    return _("%(points)s as a thank-you.") % {"points": points}


def _redemption(entry: PointsEntry, points: str, facts: _Facts) -> str:
    purchase, taken = facts.purchases.get(entry.reference), facts.redemptions.get(entry.pk)
    if purchase:
        amount = format_money(purchase.points_value_minor, purchase.currency)
        paid = _("%(points)s paid %(amount)s at %(store)s on %(date)s.")
        return paid % {"points": points, "amount": amount, **_where(purchase)}
    if taken:
        return _("%(points)s for %(reward)s.") % {"points": points, "reward": _reward(taken)}
    if entry.reason:
        return _("%(points)s: %(reason)s") % {"points": points, "reason": entry.reason}
    if entry.reference.startswith("hold:"):
        return _("%(points)s spent, as they were held for you.") % {"points": points}
    return _("%(points)s spent.") % {"points": points}


def _claw_back(entry: PointsEntry, points: str, facts: _Facts) -> list[str]:
    made = facts.returns.get(entry.reference)
    sentences = [_("%(points)s taken back because goods were returned.") % {"points": points}]
    if made:
        told = _("%(points)s taken back because goods were returned at %(store)s on %(date)s.")
        sentences = [told % {"points": points, **_where_back(made)}]
    if entry.reason:
        sentences = [_("%(points)s taken back: %(reason)s") % {"points": points, "reason": entry.reason}]
    elif not entry.points:
        sentences = [_("Goods were returned; no points were taken back.")]
    breakdown: dict[str, int] = entry.breakdown or {}
    if lapsed := breakdown.get("lapsed"):
        sentences.append(_("%(points)s lapsed before.") % {"points": numbers.points(lapsed)})
    if forgiven := breakdown.get("forgiven"):
        sentences.append(_("%(points)s forgiven because already spent.") % {"points": numbers.points(forgiven)})
    return sentences


def _reimbursement(entry: PointsEntry, points: str, facts: _Facts) -> list[str]:
    sentences = [_given_back(entry, points, facts)]
    if not entry.points:
        sentences = [_("Spending was undone; no points were given back.")]
    if renewed := sum((entry.breakdown or {}).get("renewed", {}).values()):
        told = _("%(points)s had lapsed meanwhile and can be spent for %(days)s more days.")
        sentences.append(told % {"points": numbers.points(renewed), "days": GRACE_DAYS})
    if recouped := sum((entry.breakdown or {}).get("recouped", {}).values()):
        kept = _("%(points)s made up for points that were forgiven when goods were returned.")
        sentences.append(kept % {"points": numbers.points(recouped)})
    return sentences


def _given_back(entry: PointsEntry, points: str, facts: _Facts) -> str:
    taken, made = facts.redemptions.get(entry.corrects_id or 0), facts.returns.get(entry.reference)
    if taken:
        return _("%(points)s given back: %(reward)s was cancelled.") % {"points": points, "reward": _reward(taken)}
    if made:
        told = _("%(points)s given back because goods paid with points were returned at %(store)s on %(date)s.")
        return told % {"points": points, **_where_back(made)}
    return _("%(points)s given back.") % {"points": points}


def _merge_of(entry: PointsEntry) -> int | None:
    """The record's id, from `merge:17`, `merge-undo:17` or `merge-undo:17:debt`."""
    return int(entry.reference.split(":")[1]) if entry.kind == EntryKind.MERGE else None


def _merge(entry: PointsEntry, points: str, facts: _Facts) -> str:
    """Points or a debt, to or from the other customer, whose number is printed on their card."""
    merge = facts.merges[_merge_of(entry) or 0]
    is_source, is_undone = entry.customer_id == merge.source_id, entry.reference.startswith("merge-undo:")
    values = {"points": points, "card": (merge.target if is_source else merge.source).display_number}
    comes = is_source == is_undone
    if comes != (entry.points > 0):
        owed_here = _("%(points)s that were owed on card %(card)s are owed here now.")
        return (owed_here if comes else _("%(points)s that were owed here are owed on card %(card)s now.")) % values
    return (
        _("%(points)s came over from card %(card)s.") if comes else _("%(points)s went over to card %(card)s.")
    ) % values


def _adjustment(entry: PointsEntry, points: str) -> str:
    values = {"points": points, "reason": entry.reason}
    if entry.points > 0:
        return _("%(points)s added by our team: %(reason)s") % values
    return _("%(points)s taken off by our team: %(reason)s") % values


def _reward(taken: RewardRedemption) -> str:
    if taken.quantity == 1:
        return str(taken.reward)
    return _("%(quantity)s × %(reward)s") % {"quantity": taken.quantity, "reward": taken.reward}


def _where(purchase: Purchase) -> dict[str, str]:
    return _place_and_day(purchase.store, purchase.purchased_at)


def _where_back(made: PurchaseReturn) -> dict[str, str]:
    return _place_and_day(made.store, made.returned_at)


def _place_and_day(store: Store, moment: datetime) -> dict[str, str]:
    return {"store": store.name, "date": _date(moment.astimezone(ZoneInfo(store.timezone)))}


def _date(moment: object) -> str:
    return str(formats.date_format(moment, "DATE_FORMAT"))  # type: ignore[arg-type]
