"""SQL functions live in named files beside the code that calls them (rewards/sql); migrations install them.

A changed file is installed by a new migration that names it again. What had a function's name before is dropped first:
PostgreSQL replaces none that takes or answers something else.
"""

import re
from pathlib import Path

from django.db import migrations

# An early migration installs today's files: what their bodies name may come with a later one.
_LATER = "SET LOCAL check_function_bodies = off;\n"
_DROP = """
DO $do$
DECLARE
    v_function regprocedure;
BEGIN
    FOR v_function IN
        SELECT oid FROM pg_proc WHERE pronamespace = current_schema()::regnamespace AND proname IN (NAMES)
    LOOP
        EXECUTE 'DROP FUNCTION ' || v_function;
    END LOOP;
END $do$;
"""
FOLDER = Path(__file__).resolve().parent.parent / "sql"


def install(*names):
    """One operation that runs these files in their order; undone by nothing, the tables they need go with 0001."""
    files = "\n".join((FOLDER / f"{name}.sql").read_text(encoding="utf-8") for name in names)
    made = sorted(set(re.findall(r"CREATE OR REPLACE FUNCTION (\w+)", files)))
    text = _LATER + _DROP.replace("NAMES", ", ".join(f"'{name}'" for name in made)) + files
    return migrations.RunSQL([text], reverse_sql=migrations.RunSQL.noop)
