"""What every page of the back office shares."""

from loyalty_site.lib.admin.actors import acting, actor_label, named
from loyalty_site.lib.admin.acts import act, act_page, list_url, posted, row_url
from loyalty_site.lib.admin.columns import badge
from loyalty_site.lib.admin.filters import States, state_filter
from loyalty_site.lib.admin.forms import RowForm, only_for
from loyalty_site.lib.admin.model_admins import ChangeList, ModelAdmin, ReadOnlyAdmin, RowsInline, own_stores

__all__ = [
    "ChangeList",
    "ModelAdmin",
    "ReadOnlyAdmin",
    "RowForm",
    "RowsInline",
    "States",
    "act",
    "act_page",
    "acting",
    "actor_label",
    "badge",
    "list_url",
    "named",
    "only_for",
    "own_stores",
    "posted",
    "row_url",
    "state_filter",
]
