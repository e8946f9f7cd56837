from itertools import chain, combinations, product

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from surveys.domain import paths
from surveys.domain.paths import Fault, Problem, Rule, Step

ANSWERS = (1, 2, 3)


@st.composite
def surveys(draw):
    """Up to four questions with ids 1 to 4 in any order; rules lead anywhere, also back and to a question 9."""
    pks = draw(st.permutations([1, 2, 3, 4]))[: draw(st.integers(1, 4))]
    rules = st.builds(
        Rule, st.frozensets(st.sampled_from((*ANSWERS, 7)), min_size=1), st.sampled_from([None, 1, 2, 3, 4, 9])
    )
    answers = st.sampled_from([frozenset(), frozenset(ANSWERS)])
    return [Step(pk, draw(answers), draw(st.booleans()), tuple(draw(st.lists(rules, max_size=3)))) for pk in pks]


def every_answer(steps):
    """All that anybody could answer: each question with any set of its answers, with none where that is allowed."""

    def of(step):
        sizes = range(1 if step.is_required and step.answers else 0, len(step.answers) + 1)
        return list(chain.from_iterable(combinations(step.answers, size) for size in sizes))

    return [dict(zip([step.pk for step in steps], told, strict=True)) for told in product(*map(of, steps))]


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(surveys())
def test_every_path_ends_and_only_goes_forward(steps):
    order = [step.pk for step in steps]
    for answers in every_answer(steps):
        path = paths.asked(steps, answers)
        assert path[0] == order[0]
        assert path == [pk for pk in order if pk in path]


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(surveys())
def test_checker_agrees_with_walking_every_way(steps):
    walked = set(chain.from_iterable(paths.asked(steps, answers) for answers in every_answer(steps)))
    told = {problem.pk for problem in paths.problems(steps) if problem.fault == Fault.UNREACHABLE}
    assert told == {step.pk for step in steps} - walked


SCALE = frozenset(range(11))


def test_first_rule_that_fits_leads_on():
    steps = [Step(1, SCALE, True, (Rule(frozenset({9, 10}), None), Rule(SCALE, 3))), Step(2), Step(3)]
    assert paths.asked(steps, {1: [9]}) == [1]
    assert paths.asked(steps, {1: [8]}) == [1, 3]
    assert paths.asked(steps, {}) == [1, 2, 3]
    assert paths.problems(steps) == [Problem(Fault.UNREACHABLE, 2)]


def test_question_that_need_not_be_answered_leads_to_the_one_below():
    assert paths.problems([Step(1, SCALE, False, (Rule(SCALE, 3),)), Step(2), Step(3)]) == []


def test_loops_dead_ends_and_rules_that_never_fit_are_named():
    back, itself, nowhere = Rule(frozenset({1}), 1), Rule(frozenset({2}), 2), Rule(frozenset({3}), 8)
    steps = [Step(1, SCALE), Step(2, SCALE, False, (back, itself, nowhere, Rule(frozenset({1, 2, 11}), None)))]
    assert paths.problems(steps) == [
        Problem(Fault.LEADS_BACK, 2, 0),
        Problem(Fault.LEADS_BACK, 2, 1),
        Problem(Fault.LEADS_NOWHERE, 2, 2),
        Problem(Fault.NEVER_FITS, 2, 3),
    ]


def test_survey_without_questions_asks_nothing():
    assert (paths.asked([], {}), paths.problems([])) == ([], [])
