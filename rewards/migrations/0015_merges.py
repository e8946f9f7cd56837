from django.db import migrations, models

from rewards.migrations import _sql


class Migration(migrations.Migration):
    """Two customers become one: their points are carried over, and what was booked before is put right in one account."""

    dependencies = [("rewards", "0014_points_entry_brought_back"), ("customers", "0005_customer_merges")]

    operations = [
        migrations.RunSQL(
            """
            DROP FUNCTION IF EXISTS points_take(bigint, bigint, bigint, timestamptz, boolean, bigint);
            DROP FUNCTION IF EXISTS points_recoup(bigint, bigint, bigint);
            """,
            reverse_sql=migrations.RunSQL.noop,
        ),
        _sql.install("points_post", "points_hold", "points_correct", "points_reimburse", "points_merge", "earning_rules", "tiers"),
        migrations.RemoveConstraint(model_name="tierchange", name="tier_change_why_is_known"),
        migrations.AlterField(
            model_name="tierchange",
            name="why",
            field=models.CharField(
                choices=[
                    ("REACHED", "reached"),
                    ("NOT_KEPT", "not kept"),
                    ("CARRIED_OVER", "carried over from a merged customer"),
                    ("SEPARATED", "separated from a merged customer"),
                ],
                max_length=15,
                verbose_name="why",
            ),
        ),
        migrations.AddConstraint(
            model_name="tierchange",
            constraint=models.CheckConstraint(
                condition=models.Q(("why__in", ["REACHED", "NOT_KEPT", "CARRIED_OVER", "SEPARATED"])),
                name="tier_change_why_is_known",
            ),
        ),
    ]
