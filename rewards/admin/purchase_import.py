"""Files of purchases: brought, looked at, imported by a worker, and what came of it."""

from functools import partial
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget, UnfoldBooleanSwitchWidget

from customers.domain.imports.header import DELIMITERS, OPTIONAL, REQUIRED
from customers.domain.imports.report import REASONS
from customers.models import ImportState, PurchaseImport
from loyalty_site.lib.admin import ReadOnlyAdmin, act, act_page, acting, actor_label, badge, list_url, named, row_url
from loyalty_site.lib.errors import DomainError
from loyalty_site.lib.numbers import grouped
from rewards import tasks
from rewards.domain import import_jobs

AT_WORK = (ImportState.CHECKING, ImportState.QUEUED, ImportState.RUNNING)
REFRESH_SECONDS = 3
MEGABYTES = 1024


class UploadForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("file"),
        help_text=gettext_lazy("CSV or Parquet, one row a line of a receipt."),
        widget=UnfoldAdminFileFieldWidget,
    )
    encoding = forms.ChoiceField(
        label=gettext_lazy("encoding"),
        required=False,
        choices=[("", gettext_lazy("detected")), ("utf-8", "UTF-8"), ("gb18030", "GB18030 (GBK, GB2312)")],
        widget=UnfoldAdminSelectWidget,
    )
    delimiter = forms.ChoiceField(
        label=gettext_lazy("delimiter"),
        required=False,
        choices=[
            ("", gettext_lazy("detected")),
            (DELIMITERS["comma"], gettext_lazy("comma")),
            (DELIMITERS["semicolon"], gettext_lazy("semicolon")),
            (DELIMITERS["tab"], gettext_lazy("tab")),
        ],
        widget=UnfoldAdminSelectWidget,
    )
    award_points = forms.BooleanField(
        label=gettext_lazy("award points"),
        required=False,
        initial=True,
        help_text=gettext_lazy("At the purchases' own dates; else only the facts are recorded."),
        widget=UnfoldBooleanSwitchWidget,
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MEGABYTES * 1024 * 1024:
            raise forms.ValidationError(
                _("The file is larger than %s MB: bring it with the command import_purchases.") % grouped(MEGABYTES)
            )
        return file


@admin.register(PurchaseImport)
class PurchaseImportAdmin(ReadOnlyAdmin):
    list_display = ("name", "stage", "rows_total", "uploaded_at", "uploader", "finished_at")
    list_filter = ("state",)
    search_fields = ("name",)
    ordering = ("-pk",)
    sortable_by = ()
    actions_list = ("upload",)
    actions_detail = ("confirm", "discard")
    annotations = {"named_uploader": named("uploaded_by")}

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.rejects_view)
        return [path("<int:import_id>/rejects/", view, name="customers_purchaseimport_rejects"), *super().get_urls()]

    def offers(self, act: str, row: PurchaseImport) -> bool:
        allowed: dict[str, tuple[str, ...]] = {
            "confirm": (ImportState.READY, ImportState.FAILED),
            "discard": (ImportState.READY, ImportState.REFUSED),
        }
        return row.state in allowed[act]

    @act(
        title=gettext_lazy("Bring a file"),
        permission="customers.add_purchaseimport",
        icon="upload_file",
        variant="primary",
    )
    def upload(self, request: HttpRequest) -> HttpResponse:
        posted = request.method == "POST"
        form = UploadForm(request.POST, request.FILES) if posted else UploadForm()
        if posted and form.is_valid():
            file = form.cleaned_data["file"]
            try:
                job = import_jobs.bring(name=file.name, **form.cleaned_data, by=acting(request), at=timezone.now())
            except DomainError as refusal:
                form.add_error("file", str(refusal))
            else:
                _wake_worker(job)
                return HttpResponseRedirect(row_url(self, job))
        return TemplateResponse(
            request,
            "admin/rewards/purchaseimport/upload.html",
            {
                **self.admin_site.each_context(request),
                "opts": self.model._meta,
                "title": _("Bring a file of purchases"),
                "form": form,
                "required": REQUIRED,
                "optional": OPTIONAL,
                "back": list_url(self.model),
            },
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Comes again by itself while a worker is at it."""
        if request.method != "GET":
            raise PermissionDenied
        job: PurchaseImport = self.row(request, object_id)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "original": job,
            "title": job.name,
            "job": job,
            "uploader": self.uploader(job),
            "percent": job.rows_done * 100 // job.rows_total if job.rows_total else 0,
            "reasons": [(column, REASONS[code], rows) for column, code, rows in job.preview.get("reasons", [])],
            "findings": [
                (row, column, REASONS[code], cells) for row, column, code, cells in job.preview.get("findings", [])
            ],
        }
        answer = TemplateResponse(request, "admin/rewards/purchaseimport/page.html", context)
        if job.state in AT_WORK:
            answer["Refresh"] = str(REFRESH_SECONDS)
        return answer

    @act(
        title=gettext_lazy("Import"),
        permission="customers.add_purchaseimport",
        icon="play_arrow",
        variant="primary",
    )
    def confirm(self, request: HttpRequest, object_id: int) -> HttpResponse:
        job: PurchaseImport = self.row(request, object_id)

        def do(data: Any) -> str:
            import_jobs.confirm(job=job, by=acting(request), at=timezone.now())
            _wake_worker(job)
            return _("“%s” is being imported.") % job

        return act_page(
            self,
            request,
            job,
            title=_("Import “%s”?") % job,
            explanation=_("Purchases that are booked cannot be taken out again. Rejected rows are left out."),
            button=_("Import"),
            do=do,
        )

    @act(
        title=gettext_lazy("Discard"),
        permission="customers.add_purchaseimport",
        icon="delete",
        variant="danger",
    )
    def discard(self, request: HttpRequest, object_id: int) -> HttpResponse:
        job: PurchaseImport = self.row(request, object_id)

        def do(data: Any) -> str:
            import_jobs.discard(job=job, by=acting(request), at=timezone.now())
            return _("“%s” was discarded.") % job

        return act_page(
            self,
            request,
            None,
            title=_("Discard “%s”?") % job,
            explanation=_("The file is deleted. Nothing of it was booked."),
            button=_("Discard"),
            do=do,
            danger=True,
        )

    def rejects_view(self, request: HttpRequest, import_id: int) -> FileResponse:
        """The rejected rows as a file."""
        job: PurchaseImport = self.row(request, import_id)
        if not job.rejects or not job.rejects.storage.exists(str(job.rejects.name)):
            raise Http404(_("No rows were rejected."))
        return FileResponse(job.rejects.open(), as_attachment=True, filename=f"{job.name}.rejects.csv")

    @badge(
        gettext_lazy("state"),
        {
            ImportState.CHECKING: "info",
            ImportState.READY: "warning",
            ImportState.REFUSED: "danger",
            ImportState.QUEUED: "info",
            ImportState.RUNNING: "info",
            ImportState.DONE: "success",
            ImportState.FAILED: "danger",
        },
    )
    def stage(self, job: PurchaseImport) -> tuple[str, str]:
        return job.state, job.get_state_display()

    @admin.display(description=gettext_lazy("uploaded by"))
    def uploader(self, job: Any) -> str:
        return actor_label(job.named_uploader)


def _wake_worker(job: PurchaseImport) -> None:
    """Lost, the timetable makes up for it."""
    transaction.on_commit(partial(tasks.run_import.delay, job.pk), robust=True)
