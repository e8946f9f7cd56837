"""SQL functions live in named files beside the code that calls them (customers/sql); migrations install them.

A file holds CREATE OR REPLACE, so a changed file is installed by a new migration that names it again.
"""

from pathlib import Path

from django.db import migrations

FOLDER = Path(__file__).resolve().parent.parent / "sql"


def install(*names):
    """One operation that runs these files in their order; undone by nothing, the tables they need go with 0001."""
    text = "\n".join((FOLDER / f"{name}.sql").read_text(encoding="utf-8") for name in names)
    return migrations.RunSQL([text], reverse_sql=migrations.RunSQL.noop)
