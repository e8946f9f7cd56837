import django.db.models.deletion
from django.db import migrations, models


# An anonymous response has no delivery and no customer, and so no store.
_STORES = """
UPDATE surveys_surveyresponse response SET store_id = coalesce(
    (SELECT purchase.store_id FROM surveys_delivery delivery JOIN customers_purchase purchase
         ON purchase.id = delivery.purchase_id WHERE delivery.id = response.delivery_id),
    (SELECT home_store_id FROM customers_customer WHERE id = response.customer_id))
WHERE customer_id IS NOT NULL
"""


class Migration(migrations.Migration):

    dependencies = [
        ('customers', '0013_addresses_without_mail'),
        ('surveys', '0014_words_of_campaigns'),
    ]

    operations = [
        migrations.AddField(
            model_name='openlink',
            name='store',
            field=models.ForeignKey(blank=True, db_index=False, help_text='Where it hangs; the answers are counted there. Empty: in no store, or in many.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.store', verbose_name='store'),
        ),
        migrations.AddField(
            model_name='surveyresponse',
            name='store',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.store', verbose_name='store'),
        ),
        migrations.RunSQL(_STORES, migrations.RunSQL.noop),
    ]
