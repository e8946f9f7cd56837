"""Database constraints that many models need, each with a name that reads as a rule."""

from typing import Any

from django.db import models
from django.db.models import F, Func, Q
from django.db.models.lookups import LessThanOrEqual

from loyalty_site.lib import colors


def choice_is_known(name: str, field: str, choices: type[models.TextChoices]) -> models.CheckConstraint:
    """`field` holds one of the values of `choices`."""
    return models.CheckConstraint(name=name, condition=Q(**{f"{field}__in": choices.values}))


def ends_after_start(name: str, start: str, end: str) -> models.CheckConstraint:
    """A period [start, end) is not empty; either side may be open."""
    return models.CheckConstraint(
        name=name,
        condition=Q(**{f"{start}__isnull": True}) | Q(**{f"{end}__isnull": True}) | Q(**{f"{end}__gt": F(start)}),
    )


def not_negative(name: str, *fields: str) -> models.CheckConstraint:
    """Every one of the fields is zero or more."""
    return models.CheckConstraint(name=name, condition=Q(**{f"{field}__gte": 0 for field in fields}))


class Luminance(Func):
    """Of a color as `#14614f`, from 0 to 1, as `colors.luminance` has it; null for what is none."""

    output_field = models.FloatField()
    _linear = "CASE WHEN {byte} <= 10 THEN {byte} / 3294.6 ELSE power(({byte} / 255.0 + 0.055) / 1.055, 2.4) END"
    _byte = "get_byte(decode(substr(%(expressions)s, 2), 'hex'), {place})"
    template = "CASE WHEN %(expressions)s ~ '^#[0-9a-f]{6}$' THEN {red} + {green} + {blue} END"
    for _name, _place, _weight in (("red", 0, 0.2126), ("green", 1, 0.7152), ("blue", 2, 0.0722)):
        _part = _linear.replace("{byte}", _byte.replace("{place}", str(_place)))
        template = template.replace(f"{{{_name}}}", f"{_weight} * ({_part})")

    def as_sql(self, *args: Any, **context: Any) -> Any:
        """A color that is a value, as when a form is looked through, is given as often as it is named."""
        sql, parameters = super().as_sql(*args, **context)
        return sql, tuple(parameters) * self.template.count("%(expressions)s")


def color_is_readable(name: str, field: str) -> models.CheckConstraint:
    """`field` is a color, and letters of it can be read on the paper of our pages; white ones on it, too."""
    most = (colors.luminance(colors.PAPER) + 0.05) / colors.READABLE - 0.05
    readable = LessThanOrEqual(Luminance(F(field)), most)
    return models.CheckConstraint(name=name, condition=Q(**{f"{field}__regex": colors.COLOR}) & Q(readable))
