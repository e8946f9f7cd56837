"""Points kept for a while: read here, made and closed by `rewards.domain.points` alone."""

from django.contrib import admin
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from loyalty_site.lib.admin import RowsInline, actor_label, named, state_filter
from rewards.admin.points import OfAccountAdmin
from rewards.models import HoldState, PointsHold, PointsHoldPart


class PartsOfHold(RowsInline):
    model = PointsHoldPart
    fields = ("lot", "points")
    verbose_name_plural = _("kept of which lots")


@admin.register(PointsHold)
class PointsHoldAdmin(OfAccountAdmin):
    list_display = ("held_at", "whose", "points", "state", "expires_at", "who")
    list_display_links = ("held_at",)
    list_select_related = ("customer__customer",)
    list_filter = (
        state_filter(
            name="hold",
            label=_("state"),
            states=lambda now: {
                "active": (pgettext_lazy("hold", "open"), Q(state=HoldState.OPEN, expires_at__gt=now)),
                "expired": (_("expired"), Q(state=HoldState.OPEN, expires_at__lte=now)),
                "captured": (_("captured"), Q(state=HoldState.CAPTURED)),
                "released": (_("released"), Q(state=HoldState.RELEASED)),
            },
        ),
    )
    ordering = ("-pk",)
    inlines = (PartsOfHold,)
    annotations = {"named_actor": named("actor"), "named_closer": named("closed_by")}
    fields = (
        ("whose", "points"),
        ("state", "reference"),
        ("held_at", "who"),
        ("expires_at", "entry"),
        ("closed_at", "closer"),
    )

    @admin.display(description=_("customer"))
    def whose(self, hold: PointsHold) -> str:
        return str(hold.customer.customer)

    @admin.display(description=_("actor"))
    def who(self, hold: PointsHold) -> str:
        return actor_label(hold.named_actor)  # type: ignore[attr-defined]

    @admin.display(description=_("closed by"))
    def closer(self, hold: PointsHold) -> str:
        return actor_label(hold.named_closer)  # type: ignore[attr-defined]
