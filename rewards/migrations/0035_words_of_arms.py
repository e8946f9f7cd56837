from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("rewards", "0034_lots_of_draws")]

    operations = [
        migrations.AlterField(
            "assignment",
            "arm",
            models.CharField(
                choices=[("TREATED", "treated"), ("HOLDOUT", "held out")], max_length=10, verbose_name="arm"
            ),
        ),
    ]
