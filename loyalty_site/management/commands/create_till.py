"""Makes a till and prints its key, once."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from customers.domain import tills
from customers.models import Store, Till, TillScope
from loyalty_site.lib import actors
from loyalty_site.lib.errors import DomainError
from rewards.models import Program


class Command(BaseCommand):
    help = (
        "Makes a till of the store with the code STORE and prints its key, alone on the last line. It is not kept and "
        "cannot be shown again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("store", metavar="STORE", help="the store's code")
        parser.add_argument("name", metavar="NAME", help="what the till is called in its store")
        parser.add_argument("--scopes", default=",".join(TillScope.values), help="what it may do, with commas between")
        parser.add_argument("--create-store", action="store_true", help="make the store when there is none")
        parser.add_argument("--currency", default="", help="of a store that is made; the programme's unless told")
        parser.add_argument(
            "--time-zone",
            "--timezone",
            default="",
            metavar="ZONE",
            help="of a store that is made, as in Asia/Shanghai; the programme's unless told",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        scopes = _scopes(options["scopes"])
        with transaction.atomic():
            store = Store.objects.filter(code=options["store"]).first()
            if store is None:
                store = self._make_store(options)
            _refuse_unfit(Till(store=store, name=options["name"], scopes=scopes), exclude={"key_hash", "key_start"})
            try:
                till, key = tills.create(
                    store=store, name=options["name"], scopes=scopes, by=actors.SYSTEM, at=timezone.now()
                )
            except DomainError as error:
                raise CommandError(str(error)) from error
        self.stdout.write(_("%(till)s may %(scopes)s. Its key:") % {"till": till, "scopes": ", ".join(scopes)})
        self.stdout.write(key)

    def _make_store(self, options: Any) -> Store:
        if not options["create_store"]:
            raise CommandError(_("There is no store %(store)s; --create-store makes it.") % {"store": options["store"]})
        program = Program.objects.current()
        store = Store(
            code=options["store"],
            name=options["store"],
            currency=options["currency"].upper() or program.currency,
            timezone=options["time_zone"] or program.timezone,
        )
        _refuse_unfit(store)
        store.save(force_insert=True)
        return store


def _scopes(text: str) -> list[TillScope]:
    words = [word.strip() for word in text.split(",")]
    if not set(words) <= set(TillScope.values):
        raise CommandError(_("Scopes are %(scopes)s, with commas between.") % {"scopes": ", ".join(TillScope.values)})
    return [scope for scope in TillScope if scope in words]


def _refuse_unfit(row: Store | Till, exclude: set[str] | None = None) -> None:
    try:
        row.clean_fields(exclude=exclude)
    except ValidationError as error:
        told = error.message_dict.items()
        raise CommandError(" ".join(f"{name}: {' '.join(texts)}" for name, texts in told)) from error
