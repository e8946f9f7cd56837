from django.db import migrations

from rewards.migrations import _sql


class Migration(migrations.Migration):
    """Tills that tell of purchases which a lucky draw may draw do so one after another for each customer."""

    dependencies = [("rewards", "0044_codes_ordered_once")]

    operations = [_sql.install("checkout_facts")]
