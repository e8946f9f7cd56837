from django.db import migrations

from rewards.migrations import _sql


class Migration(migrations.Migration):
    """What came back from a lapsed lot is a lot that carries it on."""

    dependencies = [("rewards", "0030_mailings")]

    operations = [_sql.install("points_reimburse", "points_merge")]
