"""The table, for people and for the next comparison."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measure import Row, Scale
from benchmarks.site import Site

PATH = Path(__file__).with_name("results.md")


def text(site: Site, results: Sequence[Row], scale: Scale, load: str) -> str:
    with site.connect("postgres") as database:
        row = database.execute("SHOW server_version").fetchone()
    version = row[0] if row else "?"
    gib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1024**3
    lines = [
        "# Benchmarks",
        "",
        "`make bench` writes this page. In each round the limit and this program take turns on the same PostgreSQL, as",
        "durable as in production, with every process on the same machine. The ratio is ours to the limit's, the",
        f"median of {scale.rounds} rounds, with the lowest and the highest. Only ratios say something: the rest",
        "depends on the machine.",
        "",
        f"{datetime.now(tz=UTC):%Y-%m-%d}, {os.cpu_count()} cores, {gib:.0f} GiB, PostgreSQL {version};"
        f" load average {load}.",
        "",
        "| work | beside | limit | ours | ratio | target | reached |",
        "| --- | --- | ---: | ---: | ---: | ---: | --- |",
    ]
    lines += [_line(result) for result in results]
    lines += [""] + [f"- {result.work}: {result.note}" for result in results if result.note]
    return "\n".join(lines).rstrip() + "\n"


def _line(row: Row) -> str:
    ratio = f"**{row.ratio:.2f}** ({min(row.ratios):.2f}–{max(row.ratios):.2f})"
    target = f"{'≥' if row.unit == '/s' else '≤'} {row.target:.2f}"
    cells = [row.work, row.beside, _value(row.limit, row.unit), _value(row.ours, row.unit), ratio, target]
    return f"| {' | '.join([*cells, 'yes' if row.is_reached else 'no'])} |"


def _value(value: float, unit: str) -> str:
    if unit == "/s":
        return f"{value:,.0f} /s"
    return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.1f} ms"
