"""Where purchases happen."""

from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from loyalty_site.lib.timezones import validate_timezone


class Store(models.Model):
    """A shop; `code` is what tills and files call it. `timezone` (IANA) decides what "today" is there."""

    code = models.CharField(_("code"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=200)
    timezone = models.CharField(_("time zone"), max_length=64, default="UTC", validators=[validate_timezone])
    currency = models.CharField(
        _("currency"), max_length=3, default="CNY", validators=[RegexValidator(r"^[A-Z]{3}$", _("Three capitals."))]
    )
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)

    class Meta:
        verbose_name = _("store")
        verbose_name_plural = _("stores")
        constraints = [
            models.CheckConstraint(name="store_code_is_not_empty", condition=~Q(code="")),
            models.CheckConstraint(name="store_currency_is_three_capitals", condition=Q(currency__regex=r"^[A-Z]{3}$")),
        ]

    def __str__(self) -> str:
        return self.name


class TillScope(models.TextChoices):
    READ = "read", _("look up")
    SELL = "sell", _("sell and take back")
    ENROLL = "enroll", _("enroll customers")


class Till(models.Model):
    """A point of sale of one store. Its key is shown once and kept only as a SHA-256 in hexadecimal."""

    store = models.ForeignKey(Store, verbose_name=_("store"), on_delete=models.PROTECT, related_name="tills")
    name = models.CharField(_("name"), max_length=100)
    key_hash = models.CharField(max_length=64, unique=True, editable=False)
    key_start = models.CharField(_("key begins with"), max_length=8, editable=False)
    scopes = ArrayField(
        models.CharField(max_length=10, choices=TillScope.choices), verbose_name=pgettext_lazy("till", "may")
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    last_seen_at = models.DateTimeField(_("last seen at"), null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("till")
        verbose_name_plural = _("tills")
        constraints = [
            models.UniqueConstraint(fields=["store", "name"], name="till_name_is_unique_in_its_store"),
            models.CheckConstraint(
                name="till_scopes_are_known", condition=Q(scopes__contained_by=list(TillScope.values))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.store} · {self.name}"
