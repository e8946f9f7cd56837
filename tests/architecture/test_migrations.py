"""A database of an earlier version goes on from where it was, whichever app is migrated first."""

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader


@pytest.mark.django_db
def test_what_a_squashed_migration_stands_for_brings_what_the_squashed_one_needs():
    """Else its last one could be applied without them, and Django refuses to go on."""
    loader = MigrationLoader(connection)
    one_by_one = MigrationLoader(connection, replace_migrations=False).graph
    squashed = {key: migration for key, migration in loader.disk_migrations.items() if migration.replaces}
    assert len(squashed) == 3
    for migration in squashed.values():
        brought = one_by_one.forwards_plan(migration.replaces[-1])
        for needed in migration.dependencies:
            assert {*getattr(squashed.get(needed), "replaces", [])} <= {*brought}, (migration, needed)
