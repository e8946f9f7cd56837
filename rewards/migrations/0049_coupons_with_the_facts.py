from django.db import migrations

from rewards.migrations import _sql


class Migration(migrations.Migration):
    """A purchase's coupons are read together with what else it is priced by."""

    dependencies = [("rewards", "0048_points_in_fewer_steps")]

    operations = [_sql.install("offers_scopes")]
