from django.db import migrations

from rewards.migrations import _sql


class Migration(migrations.Migration):
    """Points are taken by one look at the lots, and lots are kept alive only where some may be."""

    dependencies = [("rewards", "0047_notices_recommend")]

    operations = [_sql.install("points_post", "points_redeem")]
