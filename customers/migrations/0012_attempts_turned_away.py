from django.db import migrations

from customers.migrations import _sql


class Migration(migrations.Migration):
    dependencies = [("customers", "0011_contacts")]
    operations = [_sql.install("attempts")]
