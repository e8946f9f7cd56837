"""The Celery app and the timetable.

Tasks are wake-ups: what has to be done stands in PostgreSQL, so a lost or doubled wake-up changes nothing.
"""

import os

from celery import Celery
from celery.schedules import crontab

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "loyalty_site.settings")

app = Celery("loyalty_site")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

MINUTE = 60.0

app.conf.beat_schedule = {
    "heartbeat": {"task": "loyalty_site.note_heartbeat", "schedule": MINUTE / 2, "options": {"expires": 30}},
    "materialize-campaigns": {
        "task": "surveys.materialize_campaigns",
        "schedule": MINUTE / 4,
        "options": {"expires": 15},
    },
    "send-deliveries": {"task": "surveys.send_deliveries", "schedule": MINUTE / 6, "options": {"expires": 10}},
    "reconcile-deliveries": {"task": "surveys.reconcile_deliveries", "schedule": MINUTE, "options": {"expires": 60}},
    "send-case-mails": {"task": "surveys.send_case_mails", "schedule": MINUTE / 6, "options": {"expires": 10}},
    "mix-answers": {"task": "surveys.mix_answers", "schedule": crontab(hour=3, minute=15)},
    "expire-points": {"task": "rewards.expire_points", "schedule": 15 * MINUTE, "options": {"expires": 600}},
    "note-alerts": {"task": "rewards.note_alerts", "schedule": crontab(hour=3, minute=0)},
    "review-tiers": {"task": "rewards.review_tiers", "schedule": crontab(hour=1, minute=15)},
    "give-surprises": {"task": "rewards.give_surprises", "schedule": 5 * MINUTE, "options": {"expires": 240}},
    "prepare-notices": {"task": "rewards.prepare_notices", "schedule": crontab(hour="*/6", minute=20)},
    "prepare-gesture-mails": {
        "task": "rewards.prepare_gesture_mails",
        "schedule": 5 * MINUTE,
        "options": {"expires": 240},
    },
    "materialize-mailings": {
        "task": "rewards.materialize_mailings",
        "schedule": MINUTE / 4,
        "options": {"expires": 15},
    },
    "send-notices": {"task": "rewards.send_notices", "schedule": MINUTE / 2, "options": {"expires": 30}},
    "run-imports": {"task": "rewards.run_import", "schedule": MINUTE, "options": {"expires": 60}},
    "make-codes": {"task": "rewards.make_codes", "schedule": MINUTE, "options": {"expires": 60}},
    "send-sign-in-codes": {"task": "customers.send_sign_in_codes", "schedule": MINUTE / 6, "options": {"expires": 10}},
    "refresh-recommendations": {"task": "customers.refresh_recommendations", "schedule": crontab(hour=2, minute=30)},
    "refresh-rhythms": {"task": "customers.refresh_rhythms", "schedule": crontab(hour=2, minute=10)},
    "refresh-segments": {"task": "loyalty_site.refresh_segments", "schedule": crontab(hour=2, minute=50)},
    "refresh-stale-recommendations": {
        "task": "customers.refresh_stale_recommendations",
        "schedule": MINUTE,
        "options": {"expires": 60},
    },
    "forget-calls": {"task": "customers.forget_calls", "schedule": 60 * MINUTE, "options": {"expires": 600}},
    "forget-attempts": {"task": "customers.forget_attempts", "schedule": crontab(hour=3, minute=45)},
    "forget-refusals": {"task": "rewards.forget_refusals", "schedule": crontab(hour=3, minute=50)},
    "forget-sign-ins": {"task": "customers.forget_sign_ins", "schedule": crontab(hour=3, minute=30)},
}
