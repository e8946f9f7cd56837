from django.db import migrations, models

from rewards.migrations import _sql


class Migration(migrations.Migration):
    """A claw-back for which nothing is left to take is an entry too: the next return counts on it."""

    dependencies = [("rewards", "0002_points_functions")]

    operations = [
        migrations.RemoveConstraint(model_name="pointsentry", name="points_entry_sign_fits_kind"),
        migrations.AddConstraint(
            model_name="pointsentry",
            constraint=models.CheckConstraint(
                name="points_entry_sign_fits_kind",
                condition=models.Q(kind__in=["AWARD", "REIMBURSE"], points__gt=0)
                | models.Q(kind__in=["REDEEM", "EXPIRE"], points__lt=0)
                | models.Q(kind="CLAW_BACK", points__lte=0)
                | models.Q(kind="ADJUST") & ~models.Q(points=0),
            ),
        ),
        _sql.install("points_correct"),
    ]
