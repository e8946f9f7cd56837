from django.db import migrations, models


_PROGRAMS = """
UPDATE surveys_delivery SET opened_by_program = true WHERE id IN (
    SELECT delivery_id FROM (
        SELECT delivery_id, is_head, is_trap, score, at, lead(at, 2) OVER (PARTITION BY delivery_id, is_head, score IS NULL ORDER BY at) AS third
        FROM surveys_intent
    ) AS hit
    WHERE is_head OR is_trap OR score IS NOT NULL AND third - at <= interval '10 seconds'
)
"""


class Migration(migrations.Migration):

    dependencies = [
        ('surveys', '0015_stores_of_answers'),
    ]

    operations = [
        migrations.AddField(
            model_name='delivery',
            name='opened_by_program',
            field=models.BooleanField(db_default=False, default=False, verbose_name='opened by a program'),
        ),
        migrations.RunSQL(_PROGRAMS, migrations.RunSQL.noop),
    ]
