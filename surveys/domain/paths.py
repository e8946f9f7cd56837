"""Which questions are asked of whom: pure arithmetic over what a survey says."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Rule:
    """Whoever gives one of `answers` (scores, ids of choices) is asked the question `goes_to` next; None: no more."""

    answers: frozenset[int]
    goes_to: int | None


@dataclass(frozen=True, slots=True)
class Step:
    """A question by its id, with all `answers` that rules can look at (none for words). The first rule that fits holds.

    Who need not answer may go on without an answer, to the question below.
    """

    pk: int
    answers: frozenset[int] = frozenset()
    is_required: bool = False
    rules: tuple[Rule, ...] = ()


class Fault(StrEnum):
    LEADS_NOWHERE = "leads_nowhere"
    LEADS_BACK = "leads_back"
    NEVER_FITS = "never_fits"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a question, or with its rule at index `rule`."""

    fault: Fault
    pk: int
    rule: int | None = None


def asked(steps: Sequence[Step], given: Mapping[int, Collection[int]]) -> list[int]:
    """The ids of the questions on the path of who answered `given` (by question), in order.

    A rule that leads back or nowhere is passed over, so every path ends.
    """
    places = {step.pk: place for place, step in enumerate(steps)}
    path, place = [], 0
    while place < len(steps):
        step = steps[place]
        path.append(step.pk)
        place = _next(step, given.get(step.pk, ()), place, places, end=len(steps))
    return path


def problems(steps: Sequence[Step]) -> list[Problem]:
    """Loops, dead ends, rules that never fit and questions that nobody is asked, in the order of the survey."""
    places = {step.pk: place for place, step in enumerate(steps)}
    reached, found = {0}, []
    for place, step in enumerate(steps):
        if place not in reached:
            found.append(Problem(Fault.UNREACHABLE, step.pk))
        else:
            reached |= set(_ways(step, place, places, end=len(steps)))
        found += _wrong_rules(step, place, places)
    return found


def _next(step: Step, given: Collection[int], place: int, places: Mapping[int, int], *, end: int) -> int:
    rule = next((rule for rule in step.rules if rule.answers.intersection(given)), None)
    if rule is None:
        return place + 1
    if rule.goes_to is None:
        return end
    return max(place + 1, places.get(rule.goes_to, 0))


def _ways(step: Step, place: int, places: Mapping[int, int], *, end: int) -> Iterator[int]:
    """Where one answer, or none where that is allowed, leads. More choices at once lead nowhere else."""
    if not step.is_required or not step.answers:
        yield place + 1
    for answer in step.answers:
        yield _next(step, (answer,), place, places, end=end)


def _wrong_rules(step: Step, place: int, places: Mapping[int, int]) -> Iterator[Problem]:
    left = step.answers
    for index, rule in enumerate(step.rules):
        if rule.goes_to is not None and rule.goes_to not in places:
            yield Problem(Fault.LEADS_NOWHERE, step.pk, index)
        elif rule.goes_to is not None and places[rule.goes_to] <= place:
            yield Problem(Fault.LEADS_BACK, step.pk, index)
        if not left & rule.answers:
            yield Problem(Fault.NEVER_FITS, step.pk, index)
        left -= rule.answers
