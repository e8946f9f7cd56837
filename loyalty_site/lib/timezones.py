"""Time zones by their IANA names."""

from functools import cache
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _


@cache
def names() -> frozenset[str]:
    """Every zone known here; reading them from disk takes some milliseconds, so once."""
    return frozenset(available_timezones())


def validate_timezone(name: str) -> None:
    """Raises ValidationError for a name that is no time zone."""
    if name not in names():
        raise ValidationError(
            _("“%(name)s” is not a time zone; write for example Asia/Shanghai."), params={"name": name}
        )
