"""Makes every customer's recommendations anew; the timetable does the same each night."""

from time import perf_counter
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from customers.domain.recommendations import runs


class Command(BaseCommand):
    help = "Make every customer's recommendations anew."

    def handle(self, *args: Any, **options: Any) -> None:
        started = perf_counter()
        run = runs.refresh(at=timezone.now())
        self.stdout.write(f"customers: {run.done}, seconds: {perf_counter() - started:.1f}")
