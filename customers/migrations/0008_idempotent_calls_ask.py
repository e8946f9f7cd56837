from django.db import migrations

from customers.migrations import _sql


class Migration(migrations.Migration):
    """Whether a call was answered before is asked in one statement."""

    dependencies = [("customers", "0007_segments")]

    operations = [_sql.install("idempotent_calls")]
