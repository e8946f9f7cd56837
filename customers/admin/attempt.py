"""Where codes were tried that are not good."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import F, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from customers.domain import attempts
from customers.models import AttemptCount
from loyalty_site.lib.admin import ReadOnlyAdmin, States, state_filter


def states(_now: datetime) -> States:
    return {
        "unusual": (_("unusual"), Q(failures=F("failures_max"))),
        "usual": (pgettext("tries", "usual"), Q(failures__lt=F("failures_max"))),
    }


@admin.register(AttemptCount)
class AttemptCountAdmin(ReadOnlyAdmin):
    list_display = ("who", "window_start", "window_end", "failures", "turned_away")
    list_filter = (state_filter(name="is", label=gettext_lazy("state"), states=states),)
    search_fields = ("key",)
    ordering = ("-window_start", "-pk")
    annotations = {"named": attempts.named()}
    sortable_by = ()
    fields = ("who", ("window_start", "window_end"), ("failures", "failures_max"), "turned_away")

    @admin.display(description=gettext_lazy("who or where"))
    def who(self, count: Any) -> str:
        return attempts.words(key=count.key, name=count.named)
