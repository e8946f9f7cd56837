"""What was answered to tills, so that a call told again is answered the same and done once."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from customers.models.store import Till


class IdempotentCall(models.Model):
    """The first answer to a till's call under its Idempotency-Key; kept for some days.

    Written in the transaction of what the call did, so both are there or neither. `fingerprint` is the SHA-256 of
    method, path and body; `body` is the answer's JSON.
    """

    till = models.ForeignKey(
        Till, verbose_name=_("till"), on_delete=models.CASCADE, related_name="calls", db_index=False
    )
    key = models.CharField(_("key"), max_length=255)
    fingerprint = models.BinaryField(max_length=32, editable=False)
    status = models.PositiveSmallIntegerField(_("status"))
    body = models.TextField(_("answer"))
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("answered call")
        verbose_name_plural = _("answered calls")
        constraints = [
            models.UniqueConstraint(fields=["till", "key"], name="idempotent_call_is_answered_once"),
        ]
        indexes = [models.Index(fields=["created_at"], name="idempotent_call_to_forget")]

    def __str__(self) -> str:
        return self.key
