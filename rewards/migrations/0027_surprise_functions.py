from django.db import migrations

from rewards.migrations import _sql


class Migration(migrations.Migration):
    """Occasions of surprises are found in sets; the till looks whether a rule could fit that shows there."""

    dependencies = [("rewards", "0026_gesture_mails")]

    operations = [_sql.install("surprises_occasions", "surprises_due", "checkout_facts")]
