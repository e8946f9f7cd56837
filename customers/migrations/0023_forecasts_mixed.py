from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('customers', '0022_overdue_by_rhythm'),
    ]

    operations = [
        migrations.AddField(
            model_name='forecast',
            name='held',
            field=models.FloatField(null=True, verbose_name='share in their range'),
        ),
        migrations.AddField(
            model_name='forecast',
            name='model_weight',
            field=models.FloatField(default=1, verbose_name='weight of the model'),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='forecast',
            name='range_stretch',
            field=models.FloatField(default=1, verbose_name='stretch of the ranges'),
            preserve_default=False,
        ),
        migrations.AddConstraint(
            model_name='forecast',
            constraint=models.CheckConstraint(condition=models.Q(('model_weight__range', (0, 1))), name='forecast_weight_is_a_share'),
        ),
        migrations.AddConstraint(
            model_name='forecast',
            constraint=models.CheckConstraint(condition=models.Q(('range_stretch__gte', 1)), name='forecast_ranges_are_no_narrower'),
        ),
    ]
