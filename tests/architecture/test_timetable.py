from loyalty_site.celery import app


def test_every_scheduled_task_exists():
    app.loader.import_default_modules()
    scheduled = {row["task"] for row in app.conf.beat_schedule.values()}
    assert scheduled <= set(app.tasks)
