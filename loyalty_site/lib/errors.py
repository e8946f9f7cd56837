"""Refusals that an interface may show to a person."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class DomainError(Exception):
    """The domain refuses a request; nothing was changed.

    `code` is stable and machine-readable; `message` is a translatable sentence for people, with `%(name)s` filled from
    the keyword arguments, which stay available in `details`.
    """

    code = "refused"
    message: str | Promise = _("This cannot be done.")

    def __init__(self, **details: object) -> None:
        self.details: Mapping[str, object] = details
        super().__init__(self.code)

    def __str__(self) -> str:
        return str(self.message) % self.details if self.details else str(self.message)
