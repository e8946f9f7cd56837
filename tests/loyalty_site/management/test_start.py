"""What `manage.py start` looks at before it starts anything; what it then does is tested with real processes."""

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from loyalty_site.management.commands.start import needs_migration

pytestmark = pytest.mark.django_db


def test_database_that_had_all_that_is_replaced_is_told_what_replaces_it():
    assert not needs_migration()
    MigrationRecorder(connection).record_unapplied("surveys", "0001_squashed_0018_case_is_opened_once")
    assert needs_migration()
    call_command("migrate", verbosity=0)
    assert not needs_migration()


def test_database_that_lacks_a_migration_needs_it():
    MigrationRecorder(connection).record_unapplied("sessions", "0001_initial")
    assert needs_migration()
