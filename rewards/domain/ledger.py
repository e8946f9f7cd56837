"""Proof of the books: everything that the accounts claim is computed again from the rows under them.

First in one look at each table. Every row is weighed with numbers that nobody knows beforehand (hashes of its keys and
of a seed drawn for this proof), and the weights are put so that those of sound books come to nothing in sum: what one
table claims, another takes away. The chain of balances is such a sum, an entry's lots and allocations, a lot's
allocations, an account's lots; rows under another customer's key weigh something else. Books that are wrong come to
nothing by chance once in billions of proofs. This sorts and joins nothing, so it takes the time of reading, and no
memory.

Only where something is left, the same is done part by part, customers divided by their ids, and each account of the
parts that are off is computed and named.
"""

import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.db import connection, transaction
from django.db.models import Count, Sum
from django.utils.translation import gettext as _

from loyalty_site.lib import codes
from rewards.models import PointsAccount

PARTS = 1024  # a power of two
PARTS_AT_ONCE = 8
# The number of the part that a row belongs to, in SQL.
_WHOLE, _PART = "0", f"customer_id & {PARTS - 1}"
# What goes into the sum, with its share of the time.
_SUMS = {
    "accounts": 0.04,
    "entries": 0.56,
    "returned": 0.01,
    "lots": 0.23,
    "allocations": 0.14,
    "holds": 0.01,
    "merges": 0.01,
}
# Each kind of weight has its seed: the chain of balances; what lots hold, entries make and take, lots lose and regain.
_KEYS = ("chain", "held", "made", "taken", "used", "given")
# Amounts beyond this are looked at account by account: products with a weight of 32 bits must fit into 64.
_LARGE = 2**29 - 1

# How much of the whole is done, from 0 to 1.
Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Difference:
    """One account whose books do not hold: what is off, by a stable word, as a sentence."""

    customer_id: int
    customer_number: str
    findings: Mapping[str, str]


def differences(*, progress: Progress | None = None) -> Iterator[Difference]:
    """Each account that is off, by id within its part; nothing when the books balance. All in one snapshot, so sales
    may go on; within a caller's transaction the snapshots are those of its isolation level."""
    tell = progress or (lambda share: None)
    with _one_snapshot():
        if not _parts_that_are_off(_WHOLE, tell):
            return
        off = _parts_that_are_off(_PART, tell)
        for first in range(0, len(off), PARTS_AT_ONCE):
            yield from _named(off[first : first + PARTS_AT_ONCE])
            tell(min(1.0, (first + PARTS_AT_ONCE) / len(off)))


def size() -> tuple[int, int]:
    """How many accounts and, as they say, entries there are."""
    found = PointsAccount.objects.aggregate(accounts=Count("pk"), entries=Sum("last_seq", default=0))
    return found["accounts"], found["entries"]


@contextmanager
def _one_snapshot() -> Iterator[None]:
    if connection.in_atomic_block:
        yield
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield


def _parts_that_are_off(part: str, tell: Progress) -> list[int]:
    """`part` is _WHOLE, which knows only one part, or _PART."""
    totals: Counter[int] = Counter()
    doubtful: set[int] = set()
    values = {key: secrets.randbits(62) for key in _KEYS} | {"large": _LARGE}
    done = 0.0
    with connection.cursor() as cursor:
        for table, share in _SUMS.items():
            cursor.execute(_sql(f"ledger_sums_{table}", part), values)
            for number, total, is_doubtful in cursor:
                totals[number] += int(total or 0)
                doubtful |= {number} if is_doubtful else set()
            done += share
            tell(done)
    return sorted(doubtful | {number for number, total in totals.items() if total})


def _named(parts: Sequence[int]) -> list[Difference]:
    with connection.cursor() as cursor:
        cursor.execute(_sql("ledger_differences", _PART), {"parts": list(parts)})
        names = [column.name for column in cursor.description]
        proofs = [dict(zip(names, row, strict=True)) for row in cursor]
    return [Difference(proof["customer_id"], codes.grouped(proof["number"]), _findings(proof)) for proof in proofs]


@cache
def _sql(name: str, part: str) -> str:
    text = (Path(__file__).resolve().parent.parent / "sql" / f"{name}.sql").read_text(encoding="utf-8")
    return text.replace("{part}", part).replace("{grouping}", "" if part == _WHOLE else f"GROUP BY {part}")


def _findings(proof: Mapping[str, int]) -> dict[str, str]:
    values = {**proof, "due": proof["balance"] + proof["debt"]}
    numbering = (proof["entries_first"], proof["entries_last"], proof["entries_number"])
    checks = {
        "balance": (
            proof["balance"] != proof["entries_points"],
            _("the balance is %(balance)s, the entries sum to %(entries_points)s"),
        ),
        "numbering": (
            numbering != (1, proof["last_seq"], proof["last_seq"]),
            _("%(entries_number)s entries are numbered %(entries_first)s to %(entries_last)s, not 1 to %(last_seq)s"),
        ),
        "running_balance": (
            proof["wrong_balances"],
            _("entries whose balance is not the sum so far: %(wrong_balances)s"),
        ),
        "lots": (
            proof["lots_remaining"] != values["due"],
            _("the lots hold %(lots_remaining)s, balance and debt leave %(due)s"),
        ),
        "lot_allocations": (proof["wrong_lots"], _("lots that do not hold what was left in them: %(wrong_lots)s")),
        "entry_allocations": (proof["wrong_moves"], _("entries that moved other points in the lots: %(wrong_moves)s")),
        "owner": (proof["strange_rows"], _("lots and allocations of another customer's rows: %(strange_rows)s")),
        "holds": (proof["wrong_holds"], _("holds that do not keep or took what they say: %(wrong_holds)s")),
        "merges": (
            proof["wrong_merges"],
            _("merges that brought other points than they took: %(wrong_merges)s"),
        ),
        "merged": (
            proof["is_merged"] and (proof["balance"] or proof["lots_remaining"]),
            _("was merged into another customer and still has %(balance)s, in lots %(lots_remaining)s"),
        ),
    }
    return {code: text % values for code, (is_off, text) in checks.items() if is_off}
