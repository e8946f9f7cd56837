"""Files of purchases that staff bring in through the admin."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from loyalty_site.lib import constraints


class ImportState(models.TextChoices):
    CHECKING = "CHECKING", _("being checked")
    READY = "READY", _("waiting for a go-ahead")
    REFUSED = "REFUSED", _("cannot be read")
    QUEUED = "QUEUED", _("queued")
    RUNNING = "RUNNING", _("running")
    DONE = "DONE", _("done")
    FAILED = "FAILED", _("failed")


class PurchaseImport(models.Model):
    """One uploaded file: checked, confirmed by a person, then imported by a worker.

    `preview` holds the first rows and the findings of the check, `result` the counts of `import_purchases --json`.
    """

    file = models.FileField(_("file"), upload_to="imports/%Y/%m/")
    name = models.CharField(_("file name"), max_length=200)
    encoding = models.CharField(_("encoding"), max_length=20, blank=True)
    delimiter = models.CharField(_("delimiter"), max_length=1, blank=True)
    award_points = models.BooleanField(
        _("award points"), default=True, help_text=_("At the purchases' own dates; else only the facts are recorded.")
    )
    state = models.CharField(_("state"), max_length=10, choices=ImportState.choices, default=ImportState.CHECKING)
    uploaded_at = models.DateTimeField(_("uploaded at"))
    uploaded_by = models.CharField(_("uploaded by"), max_length=40)
    confirmed_at = models.DateTimeField(_("confirmed at"), null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, editable=False)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    rows_total = models.PositiveIntegerField(_("rows"), default=0)
    rows_done = models.PositiveIntegerField(_("rows done"), default=0)
    preview = models.JSONField(default=dict)
    result = models.JSONField(default=dict)
    rejects = models.FileField(_("rejected rows"), upload_to="imports/%Y/%m/", blank=True)
    error = models.TextField(_("error"), blank=True)

    class Meta:
        verbose_name = _("purchase import")
        verbose_name_plural = _("purchase imports")
        constraints = [constraints.choice_is_known("import_state_is_known", "state", ImportState)]

    def __str__(self) -> str:
        return self.name
