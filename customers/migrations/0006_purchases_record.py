from django.db import migrations

from customers.migrations import _sql


class Migration(migrations.Migration):
    """A purchase with its lines is booked by one statement whose plans the server keeps."""

    dependencies = [("customers", "0005_customer_merges")]

    operations = [_sql.install("purchases_record")]
