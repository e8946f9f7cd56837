"""Who tries codes that are not good is slowed down until trying is hopeless.

Counted in PostgreSQL, so that the limits hold while Redis is away and for any number of processes. Windows of time are
the same for everybody (an hour begins at the full hour). Nothing here may run inside a transaction that a refusal takes
back: a failure must stay counted.
"""

import ipaddress
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any

from django.db import transaction
from django.db.models import BigIntegerField, Case, CharField, F, Func, Model, OuterRef, Subquery, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Concat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.models import AttemptCount, Customer, Till, User
from loyalty_site.lib import codes, statements
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError

KEPT_FOR = timedelta(days=7)
HOUR = timedelta(hours=1)
BURST = timedelta(seconds=5)
STRANGERS = "strangers"
STRANGERS_PER_HOUR = 1000
TILL_PER_HOUR = 30
STAFF_PER_HOUR = 300  # the till page looks a code up while it is typed
CUSTOMER_PER_HOUR = 10
ADDRESS_PER_BURST = 5
ADDRESS_PER_HOUR = 100
ANSWERS_PER_HOUR = 60  # a store and its guests may share an address
_IPV6_NETWORK = 64  # what one customer of a provider has


class TooManyAttempts(DomainError):
    """`seconds` until the next one is judged."""

    code = "too_many_attempts"
    message = gettext_lazy("Too many codes were tried that are not good. Please try again in %(seconds)s seconds.")

    def __init__(self, *, seconds: int) -> None:
        super().__init__(seconds=seconds)
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Limit:
    """How many failures of `whose` are judged in each `window`."""

    whose: str
    failures: int
    window: timedelta

    @property
    def key(self) -> str:
        return f"{self.whose}/{self.window.total_seconds():.0f}"

    def start(self, at: datetime) -> datetime:
        seconds = int(self.window.total_seconds())
        return datetime.fromtimestamp(int(at.timestamp()) // seconds * seconds, UTC)


class Attempt:
    """One code that is looked at: a failure unless it turns out good."""

    def __init__(self) -> None:
        self.is_good = False

    def succeed(self) -> None:
        self.is_good = True


def of_stranger(*, customer_id: int, address: str) -> list[Limit]:
    """On pages that anybody can reach who has an e-mail address."""
    network = _network(address)
    return [
        Limit(f"customer:{customer_id}", CUSTOMER_PER_HOUR, HOUR),
        Limit(f"address:{network}", ADDRESS_PER_BURST, BURST),
        Limit(f"address:{network}", ADDRESS_PER_HOUR, HOUR),
        Limit(STRANGERS, STRANGERS_PER_HOUR, HOUR),
    ]


def of_counter(*, by: Actor) -> list[Limit]:
    """Of a till or a member of staff. They go on while the pages of strangers are closed."""
    return [Limit(str(by), TILL_PER_HOUR if by.kind == "till" else STAFF_PER_HOUR, HOUR)]


def of_answers(*, address: str) -> list[Limit]:
    """Of strangers who answer a survey by an address that anybody can have: each answer counts."""
    return [Limit(f"answers:{_network(address)}", ANSWERS_PER_HOUR, HOUR)]


@contextmanager
def judged(*, limits: Iterable[Limit], at: datetime) -> Iterator[Attempt]:
    """Takes an attempt before the code is looked at, and gives it back where `succeed` was said or an error came up
    that is no refusal. Raises TooManyAttempts, with nothing looked at."""
    taken = list(limits)
    take(limits=taken, at=at)
    attempt = Attempt()
    try:
        yield attempt
    except DomainError:
        raise
    except BaseException:
        attempt.succeed()
        raise
    finally:
        if attempt.is_good:
            _give_back(taken, at)


def take(*, limits: Iterable[Limit], at: datetime) -> None:
    """Counts a failure of each, or of none and raises TooManyAttempts: exactly as many pass as there are left."""
    wanted = list(limits)
    starts = [limit.start(at) for limit in wanted]
    ends = [start + limit.window for start, limit in zip(starts, wanted, strict=True)]
    failures = [limit.failures for limit in wanted]
    with transaction.atomic(durable=True):
        ((used_up,),) = statements.rows(_TAKE, ([limit.key for limit in wanted], starts, ends, failures))
    if used_up:
        raise TooManyAttempts(seconds=_seconds(max(used_up), at))


def refuse_when_used_up(*, limits: Iterable[Limit], at: datetime) -> None:
    """For counters, whose codes are mostly good: they are looked at without a write, and a failure is told only when
    `take` counted it. Raises TooManyAttempts."""
    wanted = list(limits)
    told = ", ".join(["(%s, %s)"] * len(wanted))  # an array of them would be planned anew each time
    values = [value for limit in wanted for value in (limit.key, limit.start(at))]
    ends = [end for (end,) in statements.rows(_USED_UP.format(wanted=told), values)]
    if ends:
        raise TooManyAttempts(seconds=_seconds(max(ends), at))


def count(*, wrong: int, limits: Iterable[Limit], at: datetime) -> None:
    """So many failures of a counter. Raises TooManyAttempts when one of them is over the limit: then none is told."""
    wanted = list(limits)
    for _number in range(wrong):
        take(limits=wanted, at=at)


def guesses_per_hour(*, tills: int, staff: int) -> int:
    """The most that is ever judged."""
    return STRANGERS_PER_HOUR + TILL_PER_HOUR * tills + STAFF_PER_HOUR * staff


def unusual(*, since: datetime, limit: int) -> list[AttemptCount]:
    """Where a limit was reached, the newest first."""
    reached = AttemptCount.objects.filter(failures=F("failures_max"), window_start__gte=since)
    return list(reached.order_by("-window_start", "-turned_away", "-pk")[:limit])


def words(*, key: str, name: str | None = None) -> str:
    """Whose a row is, for people. `name` is what `named` says of it, where many are shown."""
    kind, _colon, what = key.rpartition("/")[0].partition(":")
    if kind == STRANGERS:
        return _("all customers' pages together")
    said = {
        "till": _("till %s"),
        "user": _("member of staff %s"),
        "customer": _("customer %s"),
        "address": _("network address %s"),
        "answers": _("answers to surveys from network address %s"),
    }
    if name and kind == "customer":
        name = codes.grouped(name)
    return said[kind] % (name or _name(kind, what))


def named() -> Case:
    """For `annotate`: what words() calls the till, the member of staff or the customer of each row; else empty."""
    said: dict[str, tuple[type[Model], Combinable]] = {
        "till:": (Till, Concat("name", Value(" ("), "store__name", Value(")"))),
        "user:": (User, F("email")),
        "customer:": (Customer, F("number")),
    }
    whose = Cast(_part(_part(OuterRef("key"), "/", 1), ":", 2), BigIntegerField())
    found = {
        kind: Subquery(model._default_manager.filter(pk=whose).values_list(name)[:1])
        for kind, (model, name) in said.items()
    }
    whens = [When(key__startswith=kind, then=name) for kind, name in found.items()]
    return Case(*whens, default=Value(""), output_field=CharField())


def _name(kind: str, what: str) -> str:
    """A till by its name and store, staff by their address, a customer by their number."""
    if kind == "till":
        till = Till.objects.select_related("store").filter(pk=what).first()
        return f"{till.name} ({till.store.name})" if till else what
    if kind == "user":
        return User.objects.filter(pk=what).values_list("email", flat=True).first() or what
    if kind == "customer":
        customer = Customer.objects.filter(pk=what).first()
        return customer.display_number if customer else what
    return what


def _part(text: Any, separator: str, number: int) -> Func:
    return Func(text, Value(separator), Value(number), function="split_part", output_field=CharField())


def forget(*, at: datetime) -> int:
    """Deletes what is older than KEPT_FOR; returns how many rows."""
    return AttemptCount.objects.filter(window_end__lt=at - KEPT_FOR).delete()[0]


def _give_back(limits: list[Limit], at: datetime) -> None:
    with transaction.atomic(durable=True):
        statements.rows(_GIVE_BACK, ([limit.key for limit in limits], [limit.start(at) for limit in limits]))


def _seconds(end: datetime, at: datetime) -> int:
    return max(1, ceil((end - at).total_seconds()))


def _network(address: str) -> str:
    """The address; of IPv6 the network, because one person has all of it, unless it is an IPv4 address in other
    clothes (`::ffff:192.0.2.1`)."""
    found = ipaddress.ip_address(address)
    found = getattr(found, "ipv4_mapped", None) or found
    if found.version == 4:
        return str(found)
    return str(ipaddress.ip_network((found, _IPV6_NETWORK), strict=False))


_TAKE = "SELECT attempts_take(%s, %s::timestamptz[], %s::timestamptz[], %s::int[])"
_GIVE_BACK = "SELECT attempts_give_back(%s, %s::timestamptz[])"
_USED_UP = (
    "SELECT window_end FROM customers_attemptcount WHERE (key, window_start) IN ({wanted}) AND failures >= failures_max"
)
