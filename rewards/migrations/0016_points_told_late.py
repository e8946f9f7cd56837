from django.db import migrations

from rewards.migrations import _sql


class Migration(migrations.Migration):
    """Points that lapse some months after the last activity do so whenever their purchase was told; what a target spent
    of a merged customer's points, and was forgiven, is made good."""

    dependencies = [("rewards", "0015_merges")]

    operations = [_sql.install("points_post", "points_award", "points_reimburse", "earning_rules", "tiers")]
