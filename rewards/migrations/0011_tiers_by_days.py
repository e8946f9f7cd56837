from django.db import migrations

from rewards.migrations import _sql


class Migration(migrations.Migration):
    """What counts for a tier is counted by whole days."""

    dependencies = [("rewards", "0010_alerts")]

    operations = [_sql.install("tiers")]
