"""Codes by the thousand: ordered by staff, made by a worker, chunk after chunk.

The row of the batch is the queue and the lease: a worker holds it locked while a chunk is made, and what it made is
there when `made_count` says so. A killed worker leaves nothing behind, and the next one goes on.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import F, Sum
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.domain import attempts, audit
from customers.models import Till, User
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError
from rewards.domain import code_odds, offers
from rewards.models import BatchState, CodeBatch, Coupon, CouponState, Offer, OfferKind

if TYPE_CHECKING:
    from loyalty_site.lib.code_sets import Bytes

CHUNK = 50_000
BITS_MIN = 50
YEARS_MIN = 10
AT_WORK = (BatchState.WAITING, BatchState.RUNNING)
# What it brings is given by a person, or only on top of what is paid: a code may be shorter.
MODEST = (OfferKind.GIFT, OfferKind.MULTIPLIER)

Clock = Callable[[], datetime]

_log = logging.getLogger(__name__)


class BatchDecided(DomainError):
    code = "batch_decided"
    message = gettext_lazy("This batch is finished or being made; look at it again.")


class OrderedAlready(DomainError):
    code = "ordered_already"
    message = gettext_lazy("This form ordered other codes already. Open it anew to order more.")


class BatchSizeRefused(DomainError):
    code = "batch_size_refused"
    message = gettext_lazy("A batch has 1 to %(most)s codes.")


class CodeShapeRefused(DomainError):
    code = "code_shape_refused"
    message = gettext_lazy(
        "A prefix has up to 8 capitals and digits, and %(least)s to %(most)s symbols follow it, the last one a check."
    )


class CodesTooShort(DomainError):
    code = "codes_too_short"
    message = gettext_lazy(
        "Codes of this offer are worth money: %(bits)s bits of chance are too few, at least %(least)s are needed. "
        "Take %(length)s symbols or more."
    )


class CodesTooEasy(DomainError):
    code = "codes_too_easy"
    message = gettext_lazy(
        "With %(codes)s live codes somebody who tries would find one in about %(years)s years. "
        "Take more symbols: %(least)s years are the least."
    )


class BatchPeriodRefused(DomainError):
    code = "batch_period_refused"
    message = gettext_lazy("The codes would not be good for a moment: their time is over before it begins.")


@transaction.atomic
def order(
    *,
    offer: Offer,
    count: int,
    code_prefix: str | None = None,
    body_length: int = Coupon.BODY_LENGTH,
    valid_from: datetime | None = None,
    valid_to: datetime | None = None,
    token: UUID | None = None,
    by: Actor,
    at: datetime,
) -> CodeBatch:
    """To be made by a worker. The prefix is the offer's unless told, and so are the days on which the codes are good.
    `token` names one showing of a form: a double click on it finds the first batch, other words in it are refused.

    Raises OrderedAlready, OfferWithdrawn, OfferNotLive, BatchSizeRefused, CodeShapeRefused, BatchPeriodRefused;
    CodesTooShort under BITS_MIN bits, unless the offer is MODEST; CodesTooEasy where a code would be found in less than
    YEARS_MIN years. Locks the offer, so that of two who order at once the second one counts the codes of the first.
    """
    offer = Offer.objects.select_for_update(no_key=True).get(pk=offer.pk)
    opened = max(at, offer.valid_from)
    starts_at, ends_at = offers.good_between(offer=offer, at=opened)
    told: dict[str, Any] = {
        "offer_id": offer.pk,
        "count": count,
        "code_prefix": offer.code_prefix if code_prefix is None else code_prefix.strip().upper(),
        "body_length": body_length,
        "valid_from": valid_from or starts_at,
        "valid_to": min(valid_to, offer.valid_to or valid_to) if valid_to else ends_at,
    }
    if known := CodeBatch.objects.filter(token=token).first() if token else None:
        if any(getattr(known, name) != value for name, value in told.items()):
            raise OrderedAlready
        return known
    offers.refuse_unless_live(offer=offer, at=opened)
    _refuse_shape(count, told["code_prefix"], body_length)
    refuse_guessable(offer=offer, count=count, body_length=body_length)
    if told["valid_to"] <= max(at, told["valid_from"] or at):
        raise BatchPeriodRefused
    batch = CodeBatch.objects.create(**told, token=token, requested_at=at, requested_by=str(by))
    _note("ordered", batch, by, at, data={"offer": offer.pk, "count": count})
    return batch


def refuse_guessable(*, offer: Offer, count: int, body_length: int) -> None:
    """Raises CodesTooShort or CodesTooEasy."""
    bits = code_odds.bits(body_length=body_length)
    if bits < BITS_MIN and offer.kind not in MODEST:
        enough = next(n for n in range(2, 40) if code_odds.bits(body_length=n) >= BITS_MIN)
        raise CodesTooShort(bits=number_format(bits, 1), least=BITS_MIN, length=enough)
    live = live_codes(offer=offer) + count
    years = years_to_find(body_length=body_length, live=live)
    if years < YEARS_MIN:
        raise CodesTooEasy(codes=number_format(live, 0), years=number_format(years, 1), least=YEARS_MIN)


def years_to_find(*, body_length: int, live: int) -> float:
    """Years until somebody finds a code who uses up every limit of this server at every hour: all strangers' pages
    together, each till and each member of staff."""
    tills = Till.objects.filter(revoked_at__isnull=True).count()
    per_hour = attempts.guesses_per_hour(tills=tills, staff=User.objects.filter(is_active=True).count())
    return code_odds.years_to_find(body_length=body_length, live_codes=live, guesses_per_hour=per_hour)


def live_codes(*, offer: Offer) -> int:
    """Those that are made and good, and those that are ordered."""
    ordered = CodeBatch.objects.filter(offer=offer, state__in=(*AT_WORK, BatchState.FAILED))
    to_come = ordered.aggregate(number=Sum(F("count") - F("made_count")))["number"] or 0
    return Coupon.objects.filter(offer=offer, state=CouponState.ISSUED).count() + int(to_come)


def due() -> list[int]:
    """Batches to be made, the oldest first."""
    return list(CodeBatch.objects.filter(state__in=AT_WORK).order_by("pk").values_list("pk", flat=True))


def work(*, batch_id: int, clock: Clock, progress: Callable[[int], None] | None = None, chunk: int = CHUNK) -> None:
    """Makes what is left of it, unless another worker is at it or it is cancelled; `progress` hears how many there are.

    What goes wrong is written into the batch, and what was made stays.
    """
    try:
        while (made := _make_chunk(batch_id, chunk, clock)) is not None:
            if progress:
                progress(made)
    except Exception:
        _log.exception("Batch %s of codes failed", batch_id)
        CodeBatch.objects.filter(pk=batch_id, state__in=AT_WORK).update(
            state=BatchState.FAILED, finished_at=clock(), error=_("Something unexpected happened; the log says what.")
        )


@transaction.atomic
def cancel(*, batch: CodeBatch, by: Actor, at: datetime) -> None:
    """No more are made; those that are stay good. Raises BatchDecided."""
    open_states = (*AT_WORK, BatchState.FAILED)
    if not CodeBatch.objects.filter(pk=batch.pk, state__in=open_states).update(
        state=BatchState.CANCELLED, finished_at=at
    ):
        raise BatchDecided
    batch.refresh_from_db()
    _note("cancelled", batch, by, at, data={"made": batch.made_count})


@transaction.atomic
def resume(*, batch: CodeBatch, by: Actor, at: datetime) -> None:
    """One that failed is tried again, from where it was. Raises BatchDecided."""
    if not CodeBatch.objects.filter(pk=batch.pk, state=BatchState.FAILED).update(
        state=BatchState.WAITING, finished_at=None, error=""
    ):
        raise BatchDecided
    batch.refresh_from_db()
    _note("resumed", batch, by, at)


@transaction.atomic
def void_codes(*, batch: CodeBatch, reason: str, by: Actor, at: datetime) -> int:
    """None of its codes can be used any more, also those that customers took; how many there were. Raises BatchDecided
    while more are made."""
    locked = CodeBatch.objects.select_for_update().get(pk=batch.pk)
    if locked.state in AT_WORK:
        raise BatchDecided
    number = Coupon.objects.filter(batch=batch, state=CouponState.ISSUED).update(state=CouponState.VOID)
    _note("voided", batch, by, at, reason=reason, data={"codes": number})
    return number


def _refuse_shape(count: int, prefix: str, body_length: int) -> None:
    if not 1 <= count <= CodeBatch.COUNT_MAX:
        raise BatchSizeRefused(most=number_format(CodeBatch.COUNT_MAX, 0))
    is_plain = len(prefix) <= 8 and (not prefix or prefix.isascii() and prefix.isalnum())
    if not is_plain or not CodeBatch.BODY_MIN <= body_length <= CodeBatch.BODY_MAX:
        raise CodeShapeRefused(least=CodeBatch.BODY_MIN, most=CodeBatch.BODY_MAX)


@transaction.atomic
def _make_chunk(batch_id: int, most: int, clock: Clock) -> int | None:
    """How many there are now; None when there is nothing to do here."""
    rows = CodeBatch.objects.select_for_update(skip_locked=True, of=("self",)).select_related("offer")
    batch = rows.filter(pk=batch_id, state__in=AT_WORK).first()
    if batch is None:
        return None
    number = min(most, batch.count - batch.made_count)
    _store(batch, number)
    batch.made_count += number
    is_done = batch.made_count == batch.count
    batch.state = BatchState.DONE if is_done else BatchState.RUNNING
    batch.finished_at = clock() if is_done else None
    batch.save(update_fields=["made_count", "state", "finished_at"])
    return batch.made_count


def _store(batch: CodeBatch, number: int) -> None:
    """Bodies that happen to exist are drawn again, all of them at once; sorted ones are stored twice as fast."""
    from loyalty_site.lib import code_sets  # noqa: PLC0415 - numpy stays out of web processes

    drawn = code_sets.draw(count=number, body_length=batch.body_length)
    while True:
        try:
            with transaction.atomic():
                _copy(batch, drawn)
        except IntegrityError:
            taken = _taken(batch, code_sets.texts(drawn))
            if not taken:
                raise
            drawn = code_sets.replaced(drawn, taken)
        else:
            return


def _taken(batch: CodeBatch, bodies: list[str]) -> list[bytes]:
    known = Coupon.objects.filter(code__in=[batch.code_prefix + body for body in bodies])
    return [code[len(batch.code_prefix) :].encode() for code in known.values_list("code", flat=True)]


def _copy(batch: CodeBatch, drawn: "Bytes") -> None:
    """Numbered within the batch: what caused each is unlike any other."""
    from loyalty_site.lib import code_sets  # noqa: PLC0415

    uses = r"\N" if batch.offer.code_max is None else batch.offer.code_max
    text = code_sets.numbered_lines(
        drawn,
        before=batch.code_prefix,
        between=f"\t{batch.offer_id}\tf\tISSUED\t{uses}\t0\tbatch:{batch.pk}:",
        first=batch.made_count + 1,
        width=8,
        after=f"\t{batch.requested_at.isoformat()}\t{_moment(batch.valid_from)}\t{_moment(batch.valid_to)}"
        f"\t{batch.pk}\t{batch.body_length}\n",
    )
    with connection.wrap_database_errors, connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        copy.write(text)


def _moment(at: datetime | None) -> str:
    return at.isoformat() if at else r"\N"


def _note(
    what: str, batch: CodeBatch, by: Actor, at: datetime, *, reason: str = "", data: dict[str, object] | None = None
) -> None:
    subject = f"codebatch:{batch.pk}"
    audit.record(actor=by, action=f"code_batch.{what}", subject=subject, reason=reason, data=data, at=at)


_COPY = (
    "COPY rewards_coupon (code, offer_id, is_public, state, uses_max, uses_count, reference, issued_at, starts_at,"
    " expires_at, batch_id, body_length) FROM STDIN"
)
