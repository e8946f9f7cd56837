from django.db import migrations

from rewards.migrations import _sql


class Migration(migrations.Migration):
    """Holds, reimbursements in parts, policies that lapse on fixed days or after inactivity."""

    dependencies = [("rewards", "0006_coupon_give_back")]

    operations = [
        migrations.RunSQL(
            """
            DROP FUNCTION IF EXISTS points_terms();
            DROP FUNCTION IF EXISTS points_lapse_at(timestamptz, text, integer, text, text);
            DROP FUNCTION IF EXISTS points_take(bigint, bigint, bigint, timestamptz, bigint);
            DROP FUNCTION IF EXISTS points_reimburse(bigint, bigint, timestamptz, text, text, integer);
            """,
            reverse_sql=migrations.RunSQL.noop,
        ),
        _sql.install(
            "points_terms",
            "points_hold",
            "points_post",
            "points_award",
            "points_redeem",
            "points_expire",
            "points_correct",
            "points_reimburse",
        ),
    ]
