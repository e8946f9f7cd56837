"""Segments, and who is in them: said by hand, or built of filters."""

import csv
import io
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Count, IntegerField, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminTextareaWidget

from customers.domain import built_segments, customers, segment_terms, segments
from customers.models import Segment, SegmentMember, SegmentSize
from loyalty_site.admin import segment_builder
from loyalty_site.lib import numbers
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.admin import ModelAdmin, ReadOnlyAdmin, act, act_page, acting, list_url
from loyalty_site.lib.texts import joined
from loyalty_site.segment_facts import FACTS

# More than these nobody reads in a message.
NAMED = 30
FILE_MAX = 5 * 1024 * 1024
_MEMBERS = (
    SegmentMember.objects.filter(segment=OuterRef("pk")).order_by().values("segment").annotate(n=Count("*")).values("n")
)
_LATEST = SegmentSize.objects.filter(segment=OuterRef("pk")).order_by("-day")


class NumbersForm(forms.Form):
    """Pasted, or a file: of a table its first column."""

    pasted = forms.CharField(
        label=gettext_lazy("numbers or cards"),
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": "8"}),
        help_text=gettext_lazy("One a line, or with commas between."),
    )
    file = forms.FileField(
        label=gettext_lazy("or a file"),
        required=False,
        widget=UnfoldAdminFileFieldWidget,
        help_text=gettext_lazy("CSV or plain text; the first column counts."),
    )

    def clean_file(self) -> list[str]:
        file: Any = self.cleaned_data["file"]
        if file is None:
            return []
        if file.size > FILE_MAX:
            raise ValidationError(_("The file is larger than 5 MB."))
        text = _decoded(file.read())
        try:
            rows = csv.reader(io.StringIO(text), delimiter=";" if ";" in text.partition("\n")[0] else ",")
            return [row[0] for row in rows if row]
        except csv.Error as error:
            raise ValidationError(_("This file is no table.")) from error

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        cleaned["numbers"] = [*re.split(r"[\s,;，；、]+", cleaned.get("pasted") or ""), *(cleaned.get("file") or [])]
        if not self.errors and not any(cleaned["numbers"]):
            raise ValidationError(_("Paste numbers, or choose a file."))
        return cleaned


@admin.register(Segment)
class SegmentAdmin(ModelAdmin):
    """Customers come in and go out by acts, with the numbers that nobody has named."""

    list_display = ("name", "size", "made_by", "description")
    search_fields = ("name",)
    ordering = ("name",)
    sortable_by = ("name",)
    fields = ("name", "description")
    actions_list = ("build",)
    list_before_template = "admin/customers/segment/on_a_phone.html"
    actions_detail = ("add_members", "remove_members", "edit_filters", "refresh_now", "remove")
    # The database counts members only where no size is known.
    annotations = {
        "sized_on": Subquery(_LATEST.values("day")[:1]),
        "members_listed": Coalesce(
            Subquery(_LATEST.values("customers")[:1]), Subquery(_MEMBERS), 0, output_field=IntegerField()
        ),
    }

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.count_view)
        return [path("count/", view, name="customers_segment_count"), *super().get_urls()]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return self.fields
        built = ("filters", "refreshed_at", "history") if obj.terms else ()
        return (*self.fields, "size_now", *built)

    def fixed_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("size_now", "filters", "refreshed_at", "history")

    def offers(self, act: str, row: Segment) -> bool:
        if act in ("add_members", "remove_members"):
            return row.terms is None
        return row.terms is not None or act not in ("edit_filters", "refresh_now")

    @act(
        title=gettext_lazy("Build of filters"), permission="customers.add_segment", icon="filter_alt", variant="primary"
    )
    def build(self, request: HttpRequest) -> HttpResponse:
        return segment_builder.page(self, request, None)

    @act(
        title=gettext_lazy("Change the filters"),
        permission="customers.change_segment",
        icon="filter_alt",
        variant="primary",
    )
    def edit_filters(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return segment_builder.page(self, request, self.row(request, object_id))

    def count_view(self, request: HttpRequest) -> HttpResponse:
        return segment_builder.count(request)

    @act(title=gettext_lazy("Refresh now"), permission="customers.change_segment", icon="refresh")
    def refresh_now(self, request: HttpRequest, object_id: int) -> HttpResponse:
        segment: Segment = self.row(request, object_id)

        def do(_data: Any) -> str:
            number = built_segments.refresh(segment=segment, facts=FACTS, at=timezone.now())
            return ngettext("%(number)s customer is in it now.", "%(number)s customers are in it now.", number) % {
                "number": numbers.grouped(number)
            }

        return act_page(
            self,
            request,
            segment,
            title=_("Refresh “%s”?") % segment,
            explanation=_("It is refreshed every night by itself. Do it now when a mail or an offer must not wait."),
            button=_("Refresh"),
            do=do,
        )

    @act(
        title=gettext_lazy("Add customers"),
        permission="customers.add_segmentmember",
        icon="group_add",
        variant="primary",
    )
    def add_members(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return self._move(
            request,
            object_id,
            segments.add,
            title=_("Add customers to “%s”"),
            button=_("Add"),
            told=lambda number: ngettext("%(number)s customer added.", "%(number)s customers added.", number),
        )

    @act(title=gettext_lazy("Take customers out"), permission="customers.delete_segmentmember", icon="group_remove")
    def remove_members(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return self._move(
            request,
            object_id,
            segments.remove,
            title=_("Take customers out of “%s”"),
            button=_("Take out"),
            told=lambda number: ngettext("%(number)s customer taken out.", "%(number)s customers taken out.", number),
        )

    @act(title=gettext_lazy("Delete"), permission="customers.delete_segment", icon="delete", variant="danger")
    def remove(self, request: HttpRequest, object_id: int) -> HttpResponse:
        segment: Segment = self.row(request, object_id)

        def do(_data: Any) -> str:
            segments.delete(segment=segment, by=acting(request), at=timezone.now())
            return _("“%s” is deleted.") % name

        name = str(segment)
        return act_page(
            self,
            request,
            None,
            title=_("Delete “%s”?") % name,
            explanation=_(
                "Customers stay what they are. What an offer, a mailing or a campaign is for cannot be deleted."
            ),
            button=_("Delete"),
            do=do,
            danger=True,
        )

    def _move(
        self,
        request: HttpRequest,
        object_id: int,
        move: Callable[..., segments.Moved],
        *,
        title: str,
        button: str,
        told: Callable[[int], str],
    ) -> HttpResponse:
        segment: Segment = self.row(request, object_id)
        is_post = request.method == "POST"
        form = NumbersForm(request.POST, request.FILES) if is_post else NumbersForm()

        def do(data: Any) -> str:
            by: Actor = acting(request)
            at: datetime = timezone.now()
            moved = move(segment=segment, numbers=data["numbers"], by=by, at=at)
            return joined([told(moved.changed) % {"number": moved.changed}, *_rest(moved)])

        return act_page(self, request, segment, title=title % segment, button=button, do=do, form=form)

    @admin.display(description=gettext_lazy("who is in it"))
    def made_by(self, segment: Segment) -> str:
        return _("by filters") if segment.terms is not None else _("said by hand")

    @admin.display(description=gettext_lazy("filters"))
    def filters(self, segment: Segment) -> str:
        """All groups must hold, of each one condition."""
        groups = segment_terms.in_words(segment.terms or [], facts=FACTS)
        rows = [(f" {pgettext('between filters', 'or')} ".join(group),) for group in groups]
        return format_html("<ul>{}</ul>", format_html_join("", '<li class="py-1">{}</li>', rows))

    @admin.display(description=gettext_lazy("its size, day by day"))
    def history(self, segment: Segment) -> str:
        return segment_builder.drawn(segment)

    @admin.display(description=gettext_lazy("customers"))
    def size(self, segment: Any) -> str:
        """Of one that is built the size of its latest day, with the day."""
        link = _members_link(segment, segment.members_listed)
        if segment.sized_on is None:
            return link
        return format_html("{} <small>({})</small>", link, date_format(segment.sized_on, "SHORT_DATE_FORMAT"))

    @admin.display(description=gettext_lazy("customers"))
    def size_now(self, segment: Segment) -> str:
        return _members_link(segment, segment.members.count())


@admin.register(SegmentMember)
class SegmentMemberAdmin(ReadOnlyAdmin):
    list_display = ("customer", "segment", "since")
    list_select_related = ("customer", "segment")
    search_fields = ("customer",)
    search_help_text = gettext_lazy("A customer's number, phone, e-mail or card")
    ordering = ("-pk",)
    sortable_by = ()
    fields = list_display

    def matching(self, text: str) -> Q:
        return Q(customer__in=[customer.pk for customer in customers.find(text=text)])


def _members_link(segment: Segment, number: int) -> str:
    address = list_url(SegmentMember, [("segment__id__exact", segment.pk)])
    return format_html('<a class="underline" href="{}">{}</a>', address, numbers.grouped(number))


def _rest(moved: segments.Moved) -> list[str]:
    """What changed nothing, with the numbers that are worth looking at."""
    said = []
    if moved.same:
        said.append(_("%(number)s were so already.") % {"number": numbers.grouped(moved.same)})
    if moved.closed:
        said.append(_("Left the programme: %(numbers)s.") % {"numbers": _named(moved.closed)})
    if moved.unknown:
        said.append(_("Nobody has: %(numbers)s.") % {"numbers": _named(moved.unknown)})
    return said


def _named(found: Iterable[str]) -> str:
    told = list(found)
    names = pgettext("list", ", ").join(told[:NAMED])
    more = len(told) - NAMED
    return _("%(names)s and %(more)s more") % {"names": names, "more": more} if more > 0 else names


def _decoded(content: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ValidationError(_("This file is no text."))
