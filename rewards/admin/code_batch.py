"""Codes by the thousand: ordered, made by a worker, taken as a file or as sheets to print, or brought from a file."""

from datetime import datetime
from functools import partial
from typing import Any
from uuid import uuid4

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from loyalty_site.lib.admin import (
    ReadOnlyAdmin,
    act,
    act_page,
    acting,
    actor_label,
    badge,
    list_url,
    named,
    posted,
    row_url,
)
from loyalty_site.lib.errors import DomainError
from loyalty_site.lib.numbers import grouped
from rewards import tasks
from rewards.domain import code_batches, code_files, code_imports
from rewards.models import BatchState, CodeBatch, Coupon, Offer

REFRESH_SECONDS = 2
FAULTS_SHOWN = 200
SHEETS_SHOWN = 25
YEARS_SAID = 1_000_000


class OrderForm(forms.Form):
    """`token` names one showing of the form, so that a double click orders once."""

    token = forms.UUIDField(initial=uuid4, widget=forms.HiddenInput)
    offer = forms.ModelChoiceField(
        label=gettext_lazy("offer"), queryset=Offer.objects.none(), widget=UnfoldAdminSelectWidget
    )
    count = forms.IntegerField(
        label=gettext_lazy("number of codes"),
        min_value=1,
        max_value=CodeBatch.COUNT_MAX,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "numeric"}),
    )
    code_prefix = forms.CharField(
        label=gettext_lazy("code prefix"),
        max_length=8,
        required=False,
        help_text=gettext_lazy("Capitals and digits; the offer's own when empty."),
        widget=UnfoldAdminTextInputWidget,
    )
    body_length = forms.IntegerField(
        label=gettext_lazy("symbols after the prefix"),
        initial=Coupon.BODY_LENGTH,
        min_value=CodeBatch.BODY_MIN,
        max_value=CodeBatch.BODY_MAX,
        help_text=gettext_lazy("The last one checks the others, so that a typing error is noticed."),
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "numeric"}),
    )
    valid_from = forms.SplitDateTimeField(
        label=gettext_lazy("valid from"),
        required=False,
        help_text=gettext_lazy("At once when empty, or as the offer says."),
        widget=UnfoldAdminSplitDateTimeWidget,
    )
    valid_to = forms.SplitDateTimeField(
        label=gettext_lazy("valid to"),
        required=False,
        help_text=gettext_lazy("As long as the offer's coupons last when empty."),
        widget=UnfoldAdminSplitDateTimeWidget,
    )

    def __init__(self, *args: Any, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["offer"].queryset = live_offers(at)  # type: ignore[attr-defined]


class UploadForm(forms.Form):
    offer = forms.ModelChoiceField(
        label=gettext_lazy("offer"), queryset=Offer.objects.none(), widget=UnfoldAdminSelectWidget
    )
    file = forms.FileField(
        label=gettext_lazy("file"),
        help_text=gettext_lazy("CSV with the columns code and, if there are, customer, expires_at, uses."),
        widget=UnfoldAdminFileFieldWidget,
    )
    leave_out_faults = forms.BooleanField(
        label=gettext_lazy("leave out lines that are wrong"),
        required=False,
        help_text=gettext_lazy("Else nothing is done as long as any line is."),
        widget=UnfoldBooleanSwitchWidget,
    )

    def __init__(self, *args: Any, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["offer"].queryset = live_offers(at)  # type: ignore[attr-defined]

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > code_imports.BYTES_MAX:
            raise forms.ValidationError(_("The file is larger than %s MB.") % (code_imports.BYTES_MAX // 1024 // 1024))
        return file


class ReasonForm(forms.Form):
    reason = forms.CharField(label=gettext_lazy("reason"), max_length=500, widget=UnfoldAdminTextInputWidget)


@admin.register(CodeBatch)
class CodeBatchAdmin(ReadOnlyAdmin):
    list_display = ("name", "offer", "stage", "made_count", "count", "requested_at", "orderer")
    list_select_related = ("offer",)
    list_filter = ("state", ("offer", AutocompleteSelectFilter))
    search_fields = ("=code_prefix", "origin")
    ordering = ("-pk",)
    sortable_by = ()
    actions_list = ("order", "upload")
    actions_detail = ("resume", "cancel", "void")
    annotations = {"named_orderer": named("requested_by")}

    def get_urls(self) -> list[Any]:
        def view(page: Any, address: str, name: str) -> Any:
            return path(address, self.admin_site.admin_view(page), name=f"rewards_codebatch_{name}")

        return [
            view(self.odds_view, "odds/", "odds"),
            view(self.csv_view, "<int:batch_id>/codes.csv", "csv"),
            view(self.sheet_view, "<int:batch_id>/sheet/<int:sheet>.pdf", "sheet"),
            *super().get_urls(),
        ]

    def offers(self, act: str, row: CodeBatch) -> bool:
        is_open = row.state in code_batches.AT_WORK
        if act == "void":
            return not is_open and row.made_count > 0
        return row.state == BatchState.FAILED or (act == "cancel" and is_open)

    @act(title=gettext_lazy("Order codes"), permission="rewards.add_codebatch", icon="library_add", variant="primary")
    def order(self, request: HttpRequest) -> HttpResponse:
        form = OrderForm(posted(request), at=timezone.now(), initial={"offer": request.GET.get("offer")})
        if form.is_valid():
            told = {**form.cleaned_data, "code_prefix": form.cleaned_data["code_prefix"] or None}
            try:
                batch = code_batches.order(**told, by=acting(request), at=timezone.now())
            except DomainError as refusal:
                form.add_error(None, str(refusal))
            else:
                _wake_worker(batch)
                return HttpResponseRedirect(row_url(self, batch))
        context = {"title": _("Order codes"), "form": form, "odds": reverse("admin:rewards_codebatch_odds")}
        return self._page(request, "order", context)

    @act(title=gettext_lazy("Bring a file"), permission="rewards.add_codebatch", icon="upload_file")
    def upload(self, request: HttpRequest) -> HttpResponse:
        is_posted, at, report = request.method == "POST", timezone.now(), None
        form = UploadForm(request.POST, request.FILES, at=at) if is_posted else UploadForm(at=at)
        if is_posted and form.is_valid():
            file = form.cleaned_data["file"]
            try:
                report = code_imports.bring(
                    offer=form.cleaned_data["offer"],
                    name=file.name,
                    content=file.read(),
                    leave_out_faults=form.cleaned_data["leave_out_faults"],
                    by=acting(request),
                    at=at,
                )
            except DomainError as refusal:
                form.add_error("file", str(refusal))
        context = {
            "title": _("Bring codes of an older system"),
            "form": form,
            "report": report,
            "faults": report.faults[:FAULTS_SHOWN] if report else [],
        }
        return self._page(request, "upload", context)

    @act(title=gettext_lazy("Try again"), permission="rewards.add_codebatch", icon="refresh", variant="primary")
    def resume(self, request: HttpRequest, object_id: int) -> HttpResponse:
        batch: CodeBatch = self.row(request, object_id)

        def do(data: Any) -> str:
            code_batches.resume(batch=batch, by=acting(request), at=timezone.now())
            _wake_worker(batch)
            return _("More codes are being made.")

        title = _("Make the rest of “%s”?") % batch
        return act_page(self, request, batch, title=title, button=_("Try again"), do=do)

    @act(title=gettext_lazy("Cancel"), permission="rewards.add_codebatch", icon="block", variant="danger")
    def cancel(self, request: HttpRequest, object_id: int) -> HttpResponse:
        batch: CodeBatch = self.row(request, object_id)

        def do(data: Any) -> str:
            code_batches.cancel(batch=batch, by=acting(request), at=timezone.now())
            return _("No more codes are made. Those that are stay good.")

        return act_page(
            self,
            request,
            batch,
            title=_("Make no more codes of “%s”?") % batch,
            explanation=_("Those that are made stay good; they can be made void afterwards."),
            button=_("Make no more"),
            do=do,
            danger=True,
        )

    @act(title=gettext_lazy("Make void"), permission="rewards.change_coupon", icon="delete", variant="danger")
    def void(self, request: HttpRequest, object_id: int) -> HttpResponse:
        batch: CodeBatch = self.row(request, object_id)

        def do(data: Any) -> str:
            number = code_batches.void_codes(batch=batch, reason=data["reason"], by=acting(request), at=timezone.now())
            return _("%s codes are void.") % grouped(number)

        return act_page(
            self,
            request,
            batch,
            title=_("Make all codes of “%s” void?") % batch,
            explanation=_("None can be used any more, also those that customers keep. This cannot be undone."),
            button=_("Make void"),
            do=do,
            form=ReasonForm(posted(request)),
            danger=True,
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Comes again by itself while a worker is at it."""
        if request.method != "GET":
            raise PermissionDenied
        batch: CodeBatch = self.row(request, object_id)
        sheets = code_files.sheets(batch=batch)
        context = {
            "title": str(batch),
            "original": batch,
            "batch": batch,
            "orderer": self.orderer(batch),
            "percent": batch.made_count * 100 // batch.count,
            "is_at_work": batch.state in code_batches.AT_WORK,
            "may_take": request.user.has_perm("rewards.add_codebatch"),
            "sheets": range(1, min(sheets, SHEETS_SHOWN) + 1),
            "more_sheets": sheets > SHEETS_SHOWN,
            "codes_a_sheet": code_files.CODES_A_SHEET,
            "actions_detail": self.buttons(request, batch),
        }
        answer = self._page(request, "page", context)
        if batch.state in code_batches.AT_WORK:
            answer["Refresh"] = str(REFRESH_SECONDS)
        return answer

    def odds_view(self, request: HttpRequest) -> HttpResponse:
        """What the order form says while it is filled in, as plain text."""
        if request.method != "POST" or not request.user.has_perm("rewards.add_codebatch"):
            raise PermissionDenied
        form = OrderForm(request.POST, at=timezone.now())
        form.is_valid()
        told = form.cleaned_data
        return HttpResponse(_odds(told.get("offer"), told.get("count"), told.get("body_length")), "text/plain")

    def csv_view(self, request: HttpRequest, batch_id: int) -> StreamingHttpResponse:
        batch = self._taken(request, batch_id)
        lines = code_files.csv_lines(batch=batch, by=acting(request), at=timezone.now())
        return StreamingHttpResponse(lines, "text/csv; charset=utf-8", headers=_as_file(f"codes-{batch.pk}.csv"))

    def sheet_view(self, request: HttpRequest, batch_id: int, sheet: int) -> HttpResponse:
        from rewards.domain import code_sheets  # noqa: PLC0415 - the PDF library is loaded where somebody prints

        batch = self._taken(request, batch_id)
        if not 1 <= sheet <= code_files.sheets(batch=batch):
            raise Http404(_("There is no such sheet."))
        code_files.note_taken(batch=batch, form="pdf", by=acting(request), at=timezone.now(), data={"sheet": sheet})
        file = code_sheets.pdf(batch=batch, sheet=sheet)
        return HttpResponse(file, "application/pdf", headers=_as_file(f"codes-{batch.pk}-{sheet}.pdf"))

    @admin.display(description=gettext_lazy("batch"))
    def name(self, batch: CodeBatch) -> str:
        return str(batch)

    @badge(
        gettext_lazy("state"),
        {
            BatchState.WAITING: "info",
            BatchState.RUNNING: "info",
            BatchState.DONE: "success",
            BatchState.CANCELLED: "warning",
            BatchState.FAILED: "danger",
        },
    )
    def stage(self, batch: CodeBatch) -> tuple[str, str]:
        return batch.state, batch.get_state_display()

    @admin.display(description=gettext_lazy("ordered by"))
    def orderer(self, batch: Any) -> str:
        return actor_label(batch.named_orderer)

    def _taken(self, request: HttpRequest, batch_id: int) -> CodeBatch:
        """Codes leave only with who may order them: whoever reads them could use them."""
        batch: CodeBatch = self.row(request, batch_id)
        if request.method != "GET" or not request.user.has_perm("rewards.add_codebatch"):
            raise PermissionDenied
        return batch

    def _page(self, request: HttpRequest, name: str, context: dict[str, Any]) -> TemplateResponse:
        shared = {**self.admin_site.each_context(request), "opts": self.model._meta, "back": list_url(self.model)}
        return TemplateResponse(request, f"admin/rewards/codebatch/{name}.html", {**shared, **context})


def live_offers(at: datetime) -> Any:
    live = Offer.objects.filter(published_at__isnull=False, withdrawn_at__isnull=True)
    return live.exclude(valid_to__lte=at).order_by("-pk")


def _odds(offer: Offer | None, count: int | None, body_length: int | None) -> str:
    if offer is None or not count or not body_length:
        return ""
    live = code_batches.live_codes(offer=offer) + count
    years = code_batches.years_to_find(body_length=body_length, live=live)
    values = {"codes": grouped(live), "years": _years(years)}
    told = _(
        "With %(codes)s live codes and the limits of this server, a guesser needs on average %(years)s years to find "
        "one."
    )
    try:
        code_batches.refuse_guessable(offer=offer, count=count, body_length=body_length)
    except DomainError as refusal:
        return f"{told % values} {refusal}"
    return told % values


def _years(years: float) -> str:
    if years > YEARS_SAID:
        return _("more than %s") % grouped(YEARS_SAID)
    return number_format(years, 1 if years < 10 else 0, force_grouping=True)


def _as_file(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}


def _wake_worker(batch: CodeBatch) -> None:
    """Lost, the timetable makes up for it."""
    transaction.on_commit(partial(tasks.make_codes.delay, batch.pk), robust=True)
