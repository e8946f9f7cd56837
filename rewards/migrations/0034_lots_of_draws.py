import django.db.models.deletion
from django.db import migrations, models
from django.db.models.functions import Coalesce

from rewards.migrations import _sql


class Migration(migrations.Migration):
    """A customer has one lot a day; rows from before name none, and were drawn by the purchase itself."""

    dependencies = [("customers", "0012_attempts_turned_away"), ("rewards", "0033_surprises_in_place")]

    operations = [
        migrations.AddField(
            "surprisedraw",
            "lot",
            models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="customers.purchase",
                verbose_name="lot",
            ),
        ),
        migrations.AddConstraint(
            "surprisedraw",
            models.UniqueConstraint(
                models.F("rule"),
                Coalesce("lot", "purchase"),
                condition=~models.Q(outcome="RETURNED"),
                name="lot_is_drawn_once",
            ),
        ),
        _sql.install("surprises_occasions", "surprises_due"),
    ]
