"""All that is known of one person, handed out to them: a file for machines and a page to read."""

import io
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.apps import apps
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from phonenumber_field.phonenumber import PhoneNumber

from customers.domain import audit, customers
from customers.models import Customer, User
from loyalty_site.lib.actors import Actor
from loyalty_site.personal_tables import LEFT_OUT, TOLD
from rewards.models import Program

_STAFF = re.compile(r"(user|till):\d+")


@dataclass(frozen=True, slots=True)
class Section:
    """A table's rows of the person, in their order, by the names of their fields."""

    model: type[models.Model]
    rows: list[dict[str, Any]]


@transaction.atomic
def archive(*, customer: Customer, by: Actor, at: datetime) -> bytes:
    """A ZIP: `data.json` has every row as it is stored, `index.html` the same to read, in the customer's language.

    Of all customers who were merged into this one too. Amounts are minor units, moments in UTC. Staff and tills are
    told by their kind, not by who they are. The log says that it was handed out, and by whom.
    """
    found = sections(customer=customer)
    program = Program.objects.current()
    told = {
        "program": program.name,
        "customer": customer.display_number,
        "made_at": at,
        "data": {section.model._meta.label: section.rows for section in found},
    }
    with translation.override(customer.language):
        context = {"program": program, "customer": customer, "made_at": at, "sections": list(_readable(found))}
        page = render_to_string("files/personal_data.html", context)
    audit.record(actor=by, action="customer.handed_out", subject=f"customer:{customer.pk}", at=at)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as files:
        files.writestr("index.html", page)
        files.writestr("data.json", json.dumps(told, cls=DjangoJSONEncoder, ensure_ascii=False, indent=1))
    return packed.getvalue()


def sections(*, customer: Customer) -> list[Section]:
    """Every table that tells of persons, also where it has nothing of this one."""
    ids = customers.family(customer=customer)
    return [_section(apps.get_model(label), ids) for label in TOLD]


def _section(model: type[models.Model], ids: list[int]) -> Section:
    told = TOLD[model._meta.label]
    keys = [told.key.format(pk) for pk in ids] if told.key else ids
    condition = models.Q()
    for path in told.paths:
        condition |= models.Q(**{f"{path}__in": keys})
    fields = fields_of(model)
    named = [field.name for field in fields if _has_name(field)]
    found = model._default_manager.filter(condition).select_related(*named).order_by("pk")
    return Section(model, [_row(row, fields) for row in found])


def fields_of(model: type[models.Model]) -> list["models.Field[Any, Any]"]:
    """What is handed out of each row: nobody's name of the staff, and not what only machines compare."""
    left_out = TOLD[model._meta.label].left_out
    fields = [field for field in model._meta.concrete_fields if field.name not in left_out]
    return [field for field in fields if field.related_model is not User]


def _has_name(field: "models.Field[Any, Any]") -> bool:
    """Whether it leads to what is everybody's, whose name says more than its number."""
    related = field.related_model
    return isinstance(related, type) and related._meta.label in LEFT_OUT


def _row(row: models.Model, fields: list["models.Field[Any, Any]"]) -> dict[str, Any]:
    return {field.name: _value(row, field) for field in fields}


def _value(row: models.Model, field: "models.Field[Any, Any]") -> Any:
    value = field.value_from_object(row)
    if _has_name(field) and value is not None:
        return {"id": value, "name": str(getattr(row, field.name))}
    if isinstance(value, str) and (somebody := _STAFF.fullmatch(value)):
        return somebody[1]
    return str(value) if isinstance(value, PhoneNumber) else value


def _readable(found: list[Section]) -> Iterator[dict[str, Any]]:
    """What holds something, with choices by their names and without empty columns."""
    for section in found:
        fields = [
            field
            for field in fields_of(section.model)
            if any(row[field.name] not in (None, "", {}, []) for row in section.rows)
        ]
        choices = {field.name: dict(field.flatchoices or ()) for field in fields}
        if fields:
            yield {
                "label": section.model._meta.verbose_name_plural,
                "columns": [field.verbose_name for field in fields],
                "rows": [[_text(row[name], choices[name]) for name in choices] for row in section.rows],
            }


def _text(value: Any, choices: dict[Any, Any]) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime):
        return date_format(timezone.localtime(value), "DATETIME_FORMAT")
    if isinstance(value, date):
        return date_format(value, "DATE_FORMAT")
    if isinstance(value, dict) and value.keys() == {"id", "name"}:
        return str(value["name"])
    if isinstance(value, dict | list):
        return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False) if value else ""
    return str(choices.get(value, value))
