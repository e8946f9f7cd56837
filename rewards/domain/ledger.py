"""Proof of the books: everything that the accounts claim is computed again from the rows under them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from django.db import connection
from django.utils.translation import gettext as _

from loyalty_site.lib import codes
from rewards.models import PointsAccount, PointsEntry

_SQL = (Path(__file__).resolve().parent.parent / "sql" / "ledger_differences.sql").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Difference:
    """One account whose books do not hold: what is off, by a stable word, as a sentence."""

    customer_id: int
    customer_number: str
    findings: Mapping[str, str]


def differences() -> Iterator[Difference]:
    """Each account that is off; nothing when the books balance. One statement, one snapshot: sales may go on."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(_SQL)
        names = [column.name for column in cursor.description]
        for row in cursor:
            proof = dict(zip(names, row, strict=True))
            yield Difference(proof["customer_id"], codes.grouped(proof["number"]), _findings(proof))


def size() -> tuple[int, int]:
    """How many accounts and entries there are."""
    return PointsAccount.objects.count(), PointsEntry.objects.count()


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
    }
    return {code: text % values for code, (is_off, text) in checks.items() if is_off}
