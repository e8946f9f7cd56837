"""`manage.py sync_roles`: the roles of staff, as the code says."""

from typing import Any

from django.core.management.base import BaseCommand

from loyalty_site import roles


class Command(BaseCommand):
    help = "Makes the roles of staff and gives each its permissions. Safe to run again."

    def handle(self, *args: Any, **options: Any) -> None:
        roles.sync()
        self.stdout.write(f"Roles: {', '.join(roles.ROLES)}.")
