from django.db import migrations

from rewards.migrations import _sql


class Migration(migrations.Migration):
    """An activity that is told late does not move what has lapsed by then."""

    dependencies = [("rewards", "0019_experiments")]

    operations = [
        migrations.RunSQL(
            """
            DROP FUNCTION IF EXISTS points_award(bigint, text, bigint, text, timestamptz, text, text, jsonb);
            DROP FUNCTION IF EXISTS points_keep_alive(bigint, timestamptz);
            """,
            reverse_sql=migrations.RunSQL.noop,
        ),
        _sql.install("points_post", "points_award", "points_redeem", "points_hold", "checkout_book"),
    ]
