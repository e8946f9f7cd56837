from django.db import migrations

from rewards.migrations import _sql


class Migration(migrations.Migration):
    """What offers are for is read by a plan that is made once for each connection."""

    dependencies = [("rewards", "0041_brand_of_programme")]

    operations = [_sql.install("offers_scopes")]
