from django.db import migrations

from rewards.migrations import _sql


class Migration(migrations.Migration):
    dependencies = [("rewards", "0001_initial")]

    operations = [
        _sql.install(
            "points_terms", "points_post", "points_award", "points_redeem", "points_expire", "points_correct"
        ),
    ]
