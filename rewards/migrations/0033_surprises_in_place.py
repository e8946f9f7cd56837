from django.db import migrations

from rewards.migrations import _sql


class Migration(migrations.Migration):
    """What is asked of each of many purchases is computed in place."""

    dependencies = [("rewards", "0032_contacts")]

    operations = [
        _sql.install("surprises_occasions"),
        migrations.RunSQL(
            "DROP FUNCTION IF EXISTS surprises_visit(bigint, timestamptz, bigint)", reverse_sql=migrations.RunSQL.noop
        ),
    ]
