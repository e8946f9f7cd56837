from django.db import migrations

from rewards.migrations import _sql


class Migration(migrations.Migration):
    """A gift is redeemed by one call, and holds are asked for only where there are some."""

    dependencies = [("rewards", "0039_refusals_of_offers")]

    operations = [_sql.install("coupons_claim")]
