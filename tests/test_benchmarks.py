"""Every scenario of `make bench` runs, on a few rows: its figures say nothing here."""

import subprocess
import sys

from django.conf import settings


def test_every_scenario_runs(tmp_path):
    out = tmp_path / "results.md"
    command = [sys.executable, "-m", "benchmarks", "--quick", "--out", str(out)]
    done = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = [line.split("|")[1].strip() for line in out.read_text().splitlines() if line.startswith("| ")]
    assert rows == [
        "work",
        "---",
        "checkout.settle, 1 client",
        "checkout.settle, 4 clients",
        "POST /api/v1/purchases, 1 till",
        "POST /api/v1/purchases, 4 tills",
        "points.award, 1 client",
        "points.award, 4 clients",
        "redeem by lapse date, one hot customer with 100 lots, 4 clients",
        "the same over 20 customers",
        "distinct coupons redeemed, 1 client",
        "distinct coupons redeemed, 4 clients",
        "purchases with coupons of one offer with a budget, 4 clients",
        "the best of 200 live offers for a basket of 50 lines, in memory",
        "the same of twice the offers for twice the lines",
        "lots of 200 customers lapse, 200 a round",
        "points.summary of a customer with 200 entries",
        "the page of the ledger of a customer with 200 entries",
        "the page of a survey's results, 20 answers, 80 mails",
        "check_ledger on 2,000 entries",
        "import of 1,404 lines with points, lots and balances, a part in each round",
        "200 codes made and stored",
        "survey mails, 1 worker",
        "survey mails, 2 workers",
        "survey mails, 4 workers",
        "survey mails, 2 workers, a server that takes 20 ms for each",
        "survey mails, 2 workers, a server that takes 100 ms for each",
        "audience of 200 customers with reasons",
        "audience of 200 customers with reasons and hold-out",
        "a night's recommendations for 20 customers",
        "what 20 customers buy again, counted",
        "which products the same people buy",
        "a customer's list with its reasons in words, the median",
    ]
