from django.db import migrations

from rewards.migrations import _sql


class Migration(migrations.Migration):
    """What a till waits for is asked in few statements, whose plans the server keeps; lapses are planned for each chunk."""

    dependencies = [("rewards", "0016_points_told_late"), ("customers", "0006_purchases_record")]

    operations = [_sql.install("checkout_facts", "coupons_claim", "points_summary", "checkout_book", "points_expire")]
