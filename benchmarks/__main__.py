"""python -m benchmarks [SCENARIO …] [--quick] [--rounds N] [--out FILE]"""

import argparse
import os
import sys
from importlib import import_module
from pathlib import Path

from benchmarks import report, site
from benchmarks.measure import Row, Scale, say

SCENARIOS = (
    "settle",
    "http",
    "points",
    "coupons",
    "baskets",
    "expire",
    "pages",
    "results",
    "proof",
    "imports",
    "codes",
    "mails",
    "audience",
    "recommendations",
)
QUICK = Scale(rounds=1, seconds=0.01, share=0.0002)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures this program beside what the machine allows.")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"of {', '.join(SCENARIOS)}; all when none")
    parser.add_argument("--quick", action="store_true", help="tiny: shows that it runs, its figures say nothing")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--share", type=float, help="of the rows: 0.1 is a tenth of them")
    parser.add_argument("--out", type=Path, help=f"instead of {report.PATH.name}, which only a whole run writes")
    options = parser.parse_args()
    unknown = set(options.scenarios) - set(SCENARIOS)
    if unknown:
        parser.error(f"there is no scenario {', '.join(sorted(unknown))}")
    usual = QUICK if options.quick else Scale()
    scale = Scale(options.rounds or usual.rounds, usual.seconds, options.share or usual.share)
    load = f"{os.getloadavg()[0]:.1f}"
    with site.running(durable=not options.quick) as own:
        results: list[Row] = []
        for name in options.scenarios or SCENARIOS:
            say(name)
            results += import_module(f"benchmarks.scenarios.{name}").rows(own, scale)
        load += f" at the start, {os.getloadavg()[0]:.1f} at the end"
        written = report.text(own, results, scale, load)
    is_whole = not (options.quick or options.scenarios or options.rounds or options.share)
    if options.out or is_whole:
        (options.out or report.PATH).write_text(written, encoding="utf-8")
    sys.stdout.write(written)


if __name__ == "__main__":
    main()
