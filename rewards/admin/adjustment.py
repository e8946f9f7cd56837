"""Points moved by hand: asked for on the customer's page, decided here by somebody else."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Case, Q, Value, When
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextInputWidget

from customers.domain import customers
from loyalty_site.lib.admin import ReadOnlyAdmin, act, act_page, acting, actor_label, badge, named, posted
from loyalty_site.lib.numbers import points as points_text
from loyalty_site.lib.numbers import signed
from rewards.domain import adjustments, points
from rewards.models import AdjustmentState, PointsAdjustment

WAITING_FIRST = Case(When(state=AdjustmentState.WAITING, then=Value(0)), default=Value(1)).asc()


class NoteForm(forms.Form):
    note = forms.CharField(
        label=gettext_lazy("why refused"),
        max_length=500,
        widget=UnfoldAdminTextInputWidget(attrs={"autofocus": True}),
        help_text=gettext_lazy("Who asked reads it."),
    )


@admin.register(PointsAdjustment)
class PointsAdjustmentAdmin(ReadOnlyAdmin):
    list_display = ("asked_at", "customer", "signed_points", "why", "asker", "condition", "decider")
    list_display_links = ("asked_at", "customer")
    list_select_related = ("customer",)
    list_filter = ("state", "needs_second")
    search_fields = ("customer",)
    search_help_text = gettext_lazy("A customer's number, phone, e-mail or card")
    ordering = (WAITING_FIRST, "-asked_at", "-pk")
    sortable_by = ()
    actions_detail = ("approve", "refuse")
    annotations = {"named_asker": named("asked_by"), "named_decider": named("decided_by")}
    fields = (
        ("customer", "signed_points"),
        "reason",
        ("state", "needs_second"),
        ("asker", "asked_at"),
        ("decider", "decided_at"),
        "note",
        "entry",
    )

    def matching(self, text: str) -> Q:
        return Q(customer__in=[customer.pk for customer in customers.find(text=text)])

    def offers(self, act: str, row: PointsAdjustment) -> bool:
        return row.state == AdjustmentState.WAITING

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Nobody decides what they asked for themselves."""
        mine = PointsAdjustment.objects.filter(pk=object_id, asked_by=str(acting(request)))
        return [] if mine.exists() else super().get_actions_detail(request, object_id)

    @act(
        title=gettext_lazy("Approve"),
        permission="rewards.change_pointsadjustment",
        icon="check_circle",
        variant="primary",
    )
    def approve(self, request: HttpRequest, object_id: int) -> HttpResponse:
        at = timezone.now()
        adjustment: PointsAdjustment = self.row(request, object_id)

        def do(_data: Any) -> str:
            entry = adjustments.approve(adjustment=adjustment, by=acting(request), at=at)
            return _("Done: the balance is now %s.") % points_text(entry.balance_after)

        return act_page(
            self,
            request,
            adjustment,
            title=_("Book %(points)s for %(customer)s?") % vars_of(adjustment),
            explanation=_("%(asker)s asked for it: %(reason)s. The balance is %(balance)s.")
            % {**vars_of(adjustment), "balance": points_text(_balance(adjustment))},
            button=_("Approve"),
            do=do,
        )

    @act(
        title=gettext_lazy("Refuse"),
        permission="rewards.change_pointsadjustment",
        icon="cancel",
        variant="danger",
    )
    def refuse(self, request: HttpRequest, object_id: int) -> HttpResponse:
        adjustment: PointsAdjustment = self.row(request, object_id)

        def do(data: Any) -> str:
            adjustments.refuse(adjustment=adjustment, note=data["note"], by=acting(request), at=timezone.now())
            return _("Refused; nothing was booked.")

        return act_page(
            self,
            request,
            adjustment,
            title=_("Refuse %(points)s for %(customer)s?") % vars_of(adjustment),
            explanation=_("%(asker)s asked for it: %(reason)s.") % vars_of(adjustment),
            button=_("Refuse"),
            do=do,
            form=NoteForm(posted(request)),
            danger=True,
        )

    @admin.display(description=gettext_lazy("points"))
    def signed_points(self, adjustment: PointsAdjustment) -> str:
        return signed(adjustment.points)

    @admin.display(description=gettext_lazy("reason"))
    def why(self, adjustment: PointsAdjustment) -> str:
        return adjustment.reason

    @badge(gettext_lazy("state"), {"WAITING": "warning", "BOOKED": "success", "REFUSED": "danger"})
    def condition(self, adjustment: PointsAdjustment) -> tuple[str, str]:
        return adjustment.state, adjustment.get_state_display()

    @admin.display(description=gettext_lazy("asked by"))
    def asker(self, adjustment: Any) -> str:
        return actor_label(adjustment.named_asker)

    @admin.display(description=gettext_lazy("decided by"))
    def decider(self, adjustment: Any) -> str:
        return actor_label(adjustment.named_decider)


def vars_of(adjustment: Any) -> dict[str, object]:
    return {
        "points": signed(adjustment.points),
        "customer": adjustment.customer,
        "asker": actor_label(adjustment.named_asker),
        "reason": adjustment.reason,
    }


def _balance(adjustment: PointsAdjustment) -> int:
    return points.summary(customer=adjustment.customer, at=timezone.now()).balance
