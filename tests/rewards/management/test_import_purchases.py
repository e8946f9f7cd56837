import json
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from customers.models import Purchase
from loyalty_site import environment
from rewards.models import PointsEntry
from tests.factories.rewards import BaseRuleFactory, ProgramFactory
from tests.import_files import row, text, write

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[3]


class Terminal(StringIO):
    def isatty(self):
        return True


def run(*arguments, stderr=None):
    out = StringIO()
    call_command("import_purchases", *map(str, arguments), stdout=out, stderr=stderr or StringIO())
    return out.getvalue()


@pytest.fixture
def path(tmp_path):
    ProgramFactory()
    BaseRuleFactory()
    return write(
        tmp_path / "purchases.csv",
        row(amount="12.50"),
        row(receipt_number="B-1", purchased_at="2026-05-02", quantity="-1", amount="-2.00"),
        row(receipt_number="R-2", amount="x"),
    )


def test_import_purchases_prints_the_counts_as_json(path):
    told = json.loads(run(path, "--json"))

    assert told.pop("seconds") > 0
    assert told == {
        "rows": 3,
        "purchases": 1,
        "lines": 1,
        "returns": 1,
        "customers": 1,
        "rejected": 1,
        "duplicates": 0,
        "points_awarded": 12,
        "amount_minor": {"CNY": 1050},
    }


def test_import_purchases_tells_in_words(path):
    first, *others = run(path).splitlines()

    assert first.startswith("3 rows in ")
    assert first.endswith(" s: 1 purchases with 1 lines, 1 returned lines, 1 new customers, 12 points, ¥10.50.")
    assert others == [f"1 rows were rejected; they and the reasons are in {path}.rejects.csv."]


def test_import_purchases_again_tells_what_was_known(path):
    run(path)

    assert "2 rows were known already." in run(path).splitlines()


def test_import_purchases_names_columns_that_are_not_read(tmp_path):
    path = write(tmp_path / "a.csv", row(till="3"), columns=(*row(), "till"))

    assert run(path).splitlines()[1:] == ["Columns that are not read: till."]


def test_import_purchases_can_be_quiet(path):
    assert run(path, "--quiet") == ""
    assert Purchase.objects.count() == 1


def test_import_purchases_of_facts_only_awards_nothing(path):
    run(path, "--facts-only")

    assert Purchase.objects.count() == 1
    assert not PointsEntry.objects.exists()


def test_import_purchases_shows_a_bar_on_a_terminal(path):
    terminal = Terminal()

    run(path, stderr=terminal)

    assert "░" in terminal.getvalue()
    assert "100%  Booking purchases" in terminal.getvalue()


def test_import_purchases_takes_encoding_and_delimiter_as_told(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(text(row(), delimiter=";").encode("gb18030"))

    assert json.loads(run(path, "--json", "--encoding", "GBK", "--delimiter", "semicolon"))["lines"] == 1


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (b"", [], "The file is empty."),
        (None, [], "The file cannot be read: No such file or directory"),
        (
            text(row()).encode("utf-16"),
            [],
            "The file is in UTF-16 or UTF-32. Save it as “CSV UTF-8” and bring it again.",
        ),
        (
            b"store,sku\n",
            [],
            "Columns missing: receipt_number, customer, purchased_at, quantity, amount. Columns found: store, sku.",
        ),
        (
            text(row()).encode(),
            ["--encoding", "latin-1"],
            "The encoding “latin-1” is not known; choose utf-8 or gb18030.",
        ),
        (
            text(row()).encode(),
            ["--delimiter", "|"],
            "The delimiter “|” is not known; choose comma, semicolon or tab.",
        ),
    ],
)
def test_import_purchases_refuses(content, options, message, tmp_path):
    path = tmp_path / "a.csv"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(CommandError) as refusal:
        run(path, *options)

    assert str(refusal.value) == f"{path}: {message}"
    assert refusal.value.returncode == 1


def test_import_purchases_of_a_directory_is_refused(tmp_path):
    with pytest.raises(CommandError, match="The file cannot be read: Is a directory"):
        run(tmp_path)


@pytest.mark.django_db(transaction=True)
def test_import_purchases_exits_1_with_the_reason_on_stderr(tmp_path):
    (tmp_path / "a.csv").write_text("store;sku\n")
    database = connection.settings_dict
    address = f"postgres://{database['USER']}:{database['PASSWORD']}@/{database['NAME']}?host={database['HOST']}"

    ended = subprocess.run(
        [sys.executable, "manage.py", "import_purchases", tmp_path / "a.csv", "--json"],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": address, "LOYALTY_VAR": str(environment.VAR_DIR)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stdout) == (1, "")
    assert "Columns missing: receipt_number" in ended.stderr
    assert "Traceback" not in ended.stderr
