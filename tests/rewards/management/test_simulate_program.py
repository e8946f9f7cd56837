"""The what-if at a shell: a table, JSON, and a sentence for each bad argument."""

import json
import sys
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command

from loyalty_site.lib.actors import SYSTEM
from rewards.domain import checkout
from rewards.management.commands import simulate_program
from rewards.models import EarningRule
from tests.factories.customers import CategoryFactory, CustomerFactory, StoreFactory
from tests.factories.rewards import BaseRuleFactory, ProgramFactory, TierFactory
from tests.rewards.domain.baskets import basket, line

SINCE = "--since=2026-05-01"


@pytest.fixture(autouse=True)
def _at(now):
    with time_machine.travel(now, tick=False):
        yield


@pytest.fixture
def sold(transactional_db, now):
    """A Wednesday's 80.00 at S1, 30.00 of them of fruit."""
    ProgramFactory(point_value_minor=2)
    BaseRuleFactory()
    told = basket(5000, line(3000, category="FRESH FRUIT"), customer=CustomerFactory(), now=now)
    checkout.settle(purchase=told, store=StoreFactory(code="S1"), till=None, by=SYSTEM, at=now)


def run(*arguments):
    out = StringIO()
    call_command("simulate_program", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def awarded(*arguments):
    told = json.loads(run(SINCE, "--json", *arguments))
    assert told["was"]["awarded"] == 80
    return told["would_be"]["awarded"]


def test_table(sold):
    lines = run(SINCE, "--rate=2/1.00").splitlines()
    assert lines[0].split() == ["as", "it", "was", "as", "it", "would", "be"]
    assert lines[1].split() == ["Earned", "by", "purchases", "80", "160"]
    assert lines[-3:] == [
        "Cost of what would be earned: ¥1.60",
        "Change of what is owed: ¥1.60",
        "Customers with more points: 1, fewer: 0, as many: 0",
    ]


def test_json(sold):
    TierFactory(code="gold", threshold=100)
    told = json.loads(run(SINCE, "--rate=2/1.00", "--tier=gold=150", "--json"))
    assert (told["since"], told["currency"]) == ("2026-05-01T00:00:00+00:00", "CNY")
    assert (told["was"]["outstanding"], told["would_be"]["outstanding"]) == (80, 160)
    assert (told["cost_minor"], told["liability_change_minor"]) == (160, 160)
    assert told["customers"] == {"more": 1, "fewer": 0, "same": 0}
    assert told["tiers"] == [
        {"tier": None, "was": 1, "would_be": 0},
        {"tier": "gold", "was": 0, "would_be": 1},
    ]
    assert (told["tiers_up"], told["tiers_down"]) == (1, 0)


def test_multipliers_are_narrowed(sold):
    TierFactory(code="gold", threshold=100)
    StoreFactory(code="S2")
    assert awarded("--multiplier==2") == 160
    assert awarded("--multiplier=FRESH FRUIT=2") == 110
    assert awarded("--multiplier==2", "--store=S1", "--weekdays=35") == 160
    assert awarded("--multiplier==2", "--store=S2") == 80
    assert awarded("--multiplier==2", "--weekdays=67") == 80
    assert awarded("--multiplier==2", "--in-tier=gold") == 80


def test_rate_is_in_the_programmes_own_money(sold):
    assert awarded("--rate=1/0.50") == 160
    with pytest.raises(CommandError, match=r"^0\.005 is finer than the smallest unit of CNY$"):
        run(SINCE, "--rate=1/0.005")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "the following arguments are required: --since"),
        (["--since=yesterday"], "'yesterday' is no day: write 2026-01-31"),
        (["--since=2026-02-30"], "'2026-02-30' is no day: write 2026-01-31"),
        (["--since=0001-01-01"], "'0001-01-01' is no day: write 2026-01-31"),
        ([SINCE, "--rate=2"], "'2' is no rate: write 2/1.00 for 2 points for every 1.00"),
        ([SINCE, "--rate=-1/1.00"], "'-1/1.00' is no rate"),
        ([SINCE, "--rate=1/9E999999"], "'1/9E999999' is no rate"),
        ([SINCE, "--rate=1/nan"], "'1/nan' is no rate"),
        ([SINCE, "--multiplier=A="], "'A=' is no multiplier: write FRUIT=2 or =1.5"),
        ([SINCE, "--multiplier=A=x"], "'A=x' is no multiplier"),
        ([SINCE, "--multiplier=A=inf"], "'A=inf' is no multiplier"),
        ([SINCE, "--weekdays=8"], "'8' are no weekdays: write 67 for Saturday and Sunday"),
        ([SINCE, "--cap=5"], "'5' is no cap: write 500/MONTH (PURCHASE, DAY, WEEK, MONTH, YEAR)"),
        ([SINCE, "--cap=-5/DAY"], "'-5/DAY' is no cap"),
        ([SINCE, "--expiry=SOMETIME:1"], "'SOMETIME:1' is no policy"),
        ([SINCE, "--expiry=ROLLING"], "'ROLLING' is no policy"),
        ([SINCE, "--pending-days=x"], "invalid int value: 'x'"),
        ([SINCE, "--tier=gold"], "'gold' is no threshold: write gold=2000"),
    ],
)
def test_what_cannot_be_read_exits_2(monkeypatch, capsys, arguments, sentence):
    monkeypatch.setattr(sys, "argv", ["manage.py"])
    with pytest.raises(SystemExit) as exit_:
        simulate_program.Command().run_from_argv(["manage.py", "simulate_program", *arguments])
    assert exit_.value.code == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--since=2026-05-21"], "--since must be a day that has begun."),
        ([SINCE, "--multiplier=FRUIT=2"], "There is no category FRUIT."),
        ([SINCE, "--multiplier==2", "--store=S9"], "There is no store S9."),
        ([SINCE, "--multiplier==2", "--in-tier=gold"], "There is no tier gold."),
        ([SINCE, "--weekdays=6"], "--store, --in-tier and --weekdays need a --multiplier."),
        ([SINCE, "--multiplier==101"], "These rules cannot be: Ensure this value is less than or equal to 100."),
        ([SINCE, "--rate=0/1.00"], "These rules cannot be: Ensure this value is greater than or equal to 1."),
        ([SINCE, "--cap=99999999999/DAY"], "These rules cannot be: Ensure this value is less than"),
        ([SINCE, "--without=nobody"], "These rules cannot be: there is no rule nobody."),
        ([SINCE, "--pending-days=-1"], "These rules cannot be: Ensure this value is greater than or equal to 0."),
        ([SINCE, "--expiry=ROLLING:0"], "These rules cannot be: "),
        ([SINCE, "--expiry=FIXED:0:02-30"], "These rules cannot be: Days are written as month-day"),
        ([SINCE, "--tier=nobody=5"], "These rules cannot be: there is no tier nobody."),
        ([SINCE, "--tier=nobody=99999999999999999999"], "These rules cannot be: Ensure this value is less than"),
    ],
)  # fmt: skip
def test_what_cannot_be_exits_1_and_leaves_nothing(transactional_db, arguments, sentence):
    ProgramFactory()
    BaseRuleFactory()
    CategoryFactory(code="TREATS")
    with pytest.raises(CommandError) as refusal:
        run(*arguments)
    assert refusal.value.returncode == 1
    assert str(refusal.value).startswith(sentence)
    assert EarningRule.objects.get().code == "base"
