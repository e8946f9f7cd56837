"""Database constraints that many models need, each with a name that reads as a rule."""

from django.db import models
from django.db.models import F, Q


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
