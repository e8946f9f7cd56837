"""How the back office looks and what its menu holds.

Settings import `UNFOLD` from here, so nothing in this module may need models.
"""

from functools import cache
from typing import Any, NamedTuple

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse, reverse_lazy
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Item(NamedTuple):
    """`target` is a model (`app.model`), a page of the admin site, or a page elsewhere (`site:page`); `permission`
    (`app.codename`) keeps a page."""

    title: str | Promise
    icon: str
    target: str
    query: str = ""
    permission: str = ""


MENU: list[tuple[str | Promise, list[Item]]] = [
    (
        "",
        [
            Item(_("Today"), "today", "index"),
            Item(_("Till"), "shopping_bag", "till:home", permission="customers.add_purchase"),
        ],
    ),
    (
        _("Customers"),
        [
            Item(_("Customers"), "group", "customers.customer"),
            Item(_("Segments"), "groups", "customers.segment"),
            Item(_("Drifting away"), "trending_down", "customers.rhythm", "is=drifting"),
            Item(_("RFM map"), "grid_view", "customers_rfm", permission="customers.view_rhythm"),
            Item(_("Merges"), "merge", "customers.customermerge"),
            Item(_("Purchases"), "receipt_long", "customers.purchase"),
            Item(_("Returns"), "assignment_return", "customers.purchasereturn"),
            Item(_("Imports"), "upload_file", "customers.purchaseimport"),
            Item(_("Ratings of products"), "thumbs_up_down", "customers.productrating"),
            Item(_("Recommendations"), "recommend", "customers.recommendationrun"),
        ],
    ),
    (
        _("Points"),
        [
            Item(_("Ledger"), "menu_book", "rewards.pointsentry"),
            Item(_("Holds"), "hourglass_top", "rewards.pointshold"),
            Item(_("Adjustments"), "exposure", "rewards.pointsadjustment"),
            Item(_("Lapse notices"), "hourglass_bottom", "rewards.pointsnotice"),
            Item(_("Accounts"), "account_balance_wallet", "rewards.pointsaccount"),
            Item(_("Liability"), "account_balance", "rewards_liability", permission="rewards.view_pointslot"),
            Item(_("What if"), "science", "rewards_simulation", permission="rewards.view_earningrule"),
            Item(_("Earning rules"), "rule", "rewards.earningrule"),
            Item(_("Tiers"), "military_tech", "rewards.tier"),
            Item(_("Customers by tier"), "social_leaderboard", "rewards.tiermembership"),
            Item(_("Programme"), "tune", "rewards.program"),
        ],
    ),
    (
        _("Rewards"),
        [
            Item(_("To hand over"), "redeem", "rewards.rewardredemption", "state__exact=REQUESTED"),
            Item(_("Catalogue"), "storefront", "rewards.reward"),
            Item(_("Pictures"), "image", "rewards.rewardpicture"),
        ],
    ),
    (
        _("Coupons"),
        [
            Item(_("Offers"), "sell", "rewards.offer"),
            Item(_("Coupons"), "confirmation_number", "rewards.coupon"),
            Item(_("Batches of codes"), "library_add", "rewards.codebatch"),
            Item(_("Mailings"), "outgoing_mail", "rewards.mailing"),
            Item(_("Mails of mailings"), "mark_email_unread", "rewards.mailingmail"),
            Item(_("Surprise rules"), "celebration", "rewards.surpriserule"),
            Item(_("Surprises"), "featured_seasonal_and_gifts", "rewards.surprise"),
            Item(_("Surprise mails"), "stacked_email", "rewards.gesturemail"),
            Item(_("Mail texts of surprises"), "edit_note", "rewards.gesturetext"),
            Item(_("Experiments"), "balance", "rewards.experiment"),
        ],
    ),
    (
        _("Surveys"),
        [
            Item(_("Surveys"), "quiz", "surveys.survey"),
            Item(_("Campaigns"), "campaign", "surveys.campaign"),
            Item(_("Open links"), "qr_code_2", "surveys.openlink"),
            Item(_("Responses"), "forum", "surveys.surveyresponse"),
            Item(_("Cases"), "support_agent", "surveys.case", "is=waiting"),
            Item(_("Mails of cases"), "mark_email_unread", "surveys.casemail"),
            Item(_("Budgets of gestures"), "savings", "surveys.gesturebudget"),
            Item(_("Offers to say sorry"), "volunteer_activism", "surveys.gestureoffer"),
            Item(_("Mails of campaigns"), "forward_to_inbox", "surveys.delivery"),
            Item(_("Mail server"), "dns", "rewards.mailserver"),
            Item(_("Addresses without mail"), "unsubscribe", "customers.suppressedaddress", "is=held"),
            Item(_("Mail outbox"), "outbox", "customers.outboxmail"),
        ],
    ),
    (
        _("Stores and staff"),
        [
            Item(_("Stores"), "store", "customers.store"),
            Item(_("Tills"), "point_of_sale", "customers.till"),
            Item(_("Answered calls"), "swap_horiz", "customers.idempotentcall"),
            Item(_("Products"), "inventory_2", "customers.product"),
            Item(_("Staff"), "badge", "customers.user"),
            Item(_("Alerts"), "notification_important", "rewards.staffalert", "is=new"),
            Item(_("Tries of codes"), "password", "customers.attemptcount", "is=unusual"),
            Item(_("Audit log"), "history", "customers.auditevent"),
        ],
    ),
]


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The menu, as far as this member of staff may use it."""
    groups = ((title, [_link(item) for item in items if _may_see(request, item)]) for title, items in MENU)
    return [{"title": title, "items": links} for title, links in groups if links]


def site_title(request: HttpRequest) -> str:
    return str(request.program.name)  # type: ignore[attr-defined]


def _may_see(request: HttpRequest, item: Item) -> bool:
    if item.permission:
        return bool(request.user.has_perm(item.permission))
    app, _dot, model = item.target.partition(".")
    return not model or any(request.user.has_perm(f"{app}.{verb}_{model}") for verb in ("view", "change"))


def _link(item: Item) -> dict[str, Any]:
    return {"title": item.title, "icon": item.icon, "link": _address(item.target, item.query)}


@cache
def _address(target: str, query: str) -> str:
    """Kept: the menu asks for some fifty on each page, and they never change."""
    if ":" in target:
        return reverse(target)
    page = f"{target.replace('.', '_')}_changelist" if "." in target else target
    url = reverse(f"admin:{page}")
    return f"{url}?{query}" if query else url


# The greens and warm grays of static/css/loyalty.css, as the theme wants them: eleven steps from light to dark.
_STEPS = ("50", "100", "200", "300", "400", "500", "600", "700", "800", "900", "950")
_BASE = "#faf8f4 #f3f0e9 #e4dfd4 #cfcabd #9aa09a #636e68 #4b5751 #37423d #242d29 #1a2320 #121815"
_PRIMARY = "#eef7f3 #dceee7 #b9ddd0 #8fd0b8 #62b89c #3f9f84 #17705b #14614f #0f4d3f #0c4033 #06251b"

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "loyalty_site.back_office.site_title",
    "SITE_HEADER": "loyalty_site.back_office.site_title",
    "SITE_SUBHEADER": _("Back office"),
    "SITE_ICON": lambda request: static("img/icon.svg"),
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("img/icon.svg")}],
    "SHOW_LANGUAGES": True,
    "BORDER_RADIUS": "8px",
    "COLORS": {
        "base": dict(zip(_STEPS, _BASE.split(), strict=True)),
        "primary": dict(zip(_STEPS, _PRIMARY.split(), strict=True)),
    },
    "STYLES": [lambda request: static("css/back_office.css")],
    "SCRIPTS": [lambda request: static("js/say-names.js")],
    "DASHBOARD_CALLBACK": "loyalty_site.dashboard.show",
    "SIDEBAR": {"navigation": "loyalty_site.back_office.navigation"},
    "ACCOUNT": {
        "navigation": [
            {"title": _("Change password"), "link": reverse_lazy("account_change_password")},
            {"title": _("Two-step sign-in"), "link": reverse_lazy("mfa_index")},
        ]
    },
}
