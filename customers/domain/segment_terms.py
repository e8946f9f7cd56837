"""Terms of a segment: groups of which all must hold, each of conditions of which one is enough.

As JSON: `[[{"fact": key, "is_not": bool, "values": {name: value}}, …], …]`. They become one statement, of set
operations, whose text comes from the facts alone.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import OperationalError, connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.domain.segment_facts import Fact, Facts, Input
from loyalty_site.lib import money, numbers
from loyalty_site.lib.errors import DomainError

GROUPS_MAX = CONDITIONS_MAX = 10
COUNT_SECONDS = 20

_EVERYBODY = "SELECT id FROM customers_customer WHERE closed_at IS NULL"

Condition = Mapping[str, Any]
Terms = Sequence[Sequence[Condition]]


class TermsInvalid(DomainError):
    code = "segment_terms_invalid"
    message = gettext_lazy("These filters cannot be read: %(why)s.")


class CountTooSlow(DomainError):
    code = "segment_count_too_slow"
    message = gettext_lazy("Counting takes longer than %(seconds)s seconds. Save it, and see its size then.")


def check(terms: Any, *, facts: Facts) -> None:
    """Raises TermsInvalid where these are no terms, name no such fact, or a value that it does not take."""
    if not isinstance(terms, list) or not 1 <= len(terms) <= GROUPS_MAX:
        raise TermsInvalid(why=_("there must be 1 to %s groups") % GROUPS_MAX)
    for group in terms:
        if not isinstance(group, list) or not 1 <= len(group) <= CONDITIONS_MAX:
            raise TermsInvalid(why=_("a group must have 1 to %s conditions") % CONDITIONS_MAX)
        for condition in group:
            _check(condition, facts)


def _check(condition: Any, facts: Facts) -> None:
    if not isinstance(condition, dict) or condition.get("fact") not in facts:
        raise TermsInvalid(why=_("there is no such filter"))
    fact, values = facts[condition["fact"]], condition.get("values")
    if not isinstance(values, dict) or not isinstance(condition.get("is_not"), bool):
        raise TermsInvalid(why=fact.title)
    for one in fact.inputs:
        if not one.takes(values.get(one.name)) or (one.is_money and not isinstance(values.get("currency"), str)):
            raise TermsInvalid(why=f"{fact.title}: {one.label}")


def statement(terms: Terms, *, facts: Facts, at: datetime) -> tuple[str, dict[str, Any]]:
    """SQL that answers the ids of the customers in the programme for whom the terms hold, and its parameters."""
    parameters: dict[str, Any] = {"at": at}
    groups = []
    for group in terms:
        parts = []
        for condition in group:
            fact, start = facts[condition["fact"]], f"c{len(parameters)}_"
            values = {name: condition["values"][name] for name in _names(fact)}
            parameters |= {f"{start}{name}": value for name, value in values.items()}
            sql = fact.sql % {"at": "%(at)s", **{name: f"%({start}{name})s" for name in values}}
            parts.append(f"({_EVERYBODY} EXCEPT ({sql}))" if condition["is_not"] else f"({sql})")
        groups.append(f"({' UNION '.join(parts)})")
    return " INTERSECT ".join([f"({_EVERYBODY})", *groups]), parameters


def _names(fact: Fact) -> list[str]:
    return [name for one in fact.inputs for name in ((one.name, "currency") if one.is_money else (one.name,))]


def count(terms: Terms, *, facts: Facts, at: datetime) -> int:
    """How many customers these terms hold for now. Raises TermsInvalid, CountTooSlow."""
    check(terms, facts=facts)
    sql, parameters = statement(terms, facts=facts, at=at)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = '{COUNT_SECONDS}s'")
            cursor.execute(f"SELECT count(*) FROM ({sql}) AS chosen (id)", parameters)  # noqa: S608 - of facts alone
            [(number,)] = cursor.fetchall()
            cursor.execute("SET LOCAL statement_timeout TO DEFAULT")  # else it would hold for the caller's transaction
    except OperationalError as error:
        raise CountTooSlow(seconds=COUNT_SECONDS) from error
    return int(number)


def in_words(terms: Terms, *, facts: Facts) -> list[list[str]]:
    """A sentence for each condition, as they are grouped."""
    return [[sentence(condition, facts=facts) for condition in group] for group in terms]


def sentence(condition: Condition, *, facts: Facts) -> str:
    fact = facts.get(condition["fact"])
    if fact is None:
        return _("a filter that is no longer there")
    values = condition["values"]
    said = str(fact.sentence) % {one.name: _shown(one, values) for one in fact.inputs}
    return _("not: %s") % said if condition["is_not"] else said


def _shown(one: Input, values: Mapping[str, Any]) -> str:
    value = values[one.name]
    if one.is_money:
        return money.format_money(value, values["currency"])
    if one.choices is None:
        return numbers.grouped(value)
    return str(dict(one.choices()).get(value, _("(deleted)")))
