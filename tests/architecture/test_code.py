"""What no linter knows about the code base, read from its own syntax."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APPS = ("customers", "rewards", "surveys")
SOURCES = sorted(
    path
    for folder in (*APPS, "loyalty_site")
    for path in (ROOT / folder).rglob("*.py")
    if "migrations" not in path.parts
)
DOMAIN = [path for path in SOURCES if "domain" in path.parts]
CLOCKS = {"now", "today", "utcnow", "localtime", "localdate", "monotonic", "time_ns"}
LEDGER = {"PointsAccount", "PointsEntry", "PointsLot", "PointsAllocation", "PointsHold", "PointsHoldPart"}
WRITES = {"create", "bulk_create", "get_or_create", "update_or_create", "update", "bulk_update", "delete", "save"}


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))


@pytest.mark.parametrize("path", DOMAIN, ids=relative)
def test_domain_never_reads_the_clock(path):
    read = [
        node.lineno
        for node in calls(path)
        if isinstance(node.func, ast.Attribute)
        and node.func.attr in CLOCKS
        and not isinstance(node.func.value, ast.Call)
    ]
    assert read == []


def test_only_the_ledger_door_writes_the_ledger():
    writers = set()
    for path in SOURCES:
        for node in calls(path):
            if isinstance(node.func, ast.Attribute) and node.func.attr in WRITES:
                written = {name.id for name in ast.walk(node.func.value) if isinstance(name, ast.Name)}
                if written & LEDGER:
                    writers.add(relative(path))
    assert writers <= {"rewards/domain/points.py"}


@pytest.mark.parametrize("path", DOMAIN, ids=relative)
def test_domain_verbs_are_keyword_only(path):
    """A function that takes the actor or the time is a verb: nobody may mix up its arguments."""
    positional = [
        node.name
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef)
        and {"by", "at"} & {argument.arg for argument in node.args.args}
        and not node.name.startswith("_")
    ]
    assert positional == []


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_file_is_short_enough_to_hold_in_mind(path):
    assert len(path.read_text().splitlines()) <= 400


def test_no_file_has_a_name_without_a_noun():
    nameless = {"utils", "helpers", "services", "misc", "common"}
    assert [relative(path) for path in SOURCES if path.stem in nameless] == []
