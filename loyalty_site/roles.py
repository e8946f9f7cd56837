"""What each kind of staff may do: the groups and their permissions, kept in code.

A letter is a permission on a model: v view, a add, c change, d delete. Adding a points adjustment is asking for one,
changing it deciding what somebody else asked for, adding a coupon issuing one by hand, adding a batch of codes
ordering and taking them, changing a redemption handing it over or cancelling it, changing a lapse notice or another
mail deciding about a doubtful mail, adding a purchase working at the till page, adding a merge of customers merging
them, changing it the way back, deleting a customer forgetting who they are or handing out all that is known of them,
changing an address without mail lifting it, adding a case writing down what a customer says, changing it working on it;
no form of the back office writes these rows.
"""

from collections.abc import Iterator, Mapping

from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.utils.translation import gettext_noop as _

OWNER = _("owner")
STORE_MANAGER = _("store manager")
MARKETING = _("marketing")
CASHIER = _("cashier")
AUDITOR = _("auditor")

VERBS = {"v": "view", "a": "add", "c": "change", "d": "delete"}
APPS = ("customers", "rewards", "surveys")

_EVERYTHING = "everything"
ROLES: Mapping[str, Mapping[str, str]] = {
    OWNER: {_EVERYTHING: "vacd"},
    AUDITOR: {_EVERYTHING: "v"},
    STORE_MANAGER: {
        "customers.customer": "vac",
        "customers.card": "v",
        "customers.consent": "vc",
        "customers.customermerge": "vac",
        "customers.preference": "v",
        "customers.purchase": "va",
        "customers.purchasereturn": "v",
        "customers.product": "v",
        "customers.productrating": "v",
        "customers.recommendation": "v",
        "customers.category": "v",
        "customers.rhythm": "v",
        "customers.segment": "v",
        "customers.segmentmember": "v",
        "customers.store": "v",
        "customers.attemptcount": "v",
        "customers.till": "vac",
        "rewards.codebatch": "v",
        "rewards.coupon": "vac",
        "rewards.offer": "v",
        "rewards.pointsaccount": "v",
        "rewards.pointsadjustment": "va",
        "rewards.pointsentry": "v",
        "rewards.pointshold": "v",
        "rewards.reward": "v",
        "rewards.rewardredemption": "vc",
        "rewards.surprise": "v",
        "rewards.tier": "v",
        "rewards.tierchange": "v",
        "rewards.tiermembership": "v",
        "surveys.case": "vac",
        "surveys.casemail": "vc",
        "surveys.gesturebudget": "v",
        "surveys.gestureoffer": "v",
        "surveys.openlink": "v",
        "surveys.survey": "v",
        "surveys.surveyresponse": "v",
    },
    MARKETING: {
        "customers.customer": "v",
        "customers.consent": "v",
        "customers.preference": "v",
        "customers.purchase": "v",
        "customers.product": "vac",
        "customers.productrating": "v",
        "customers.recommendation": "v",
        "customers.recommendationrun": "v",
        "customers.category": "vac",
        "customers.rhythm": "v",
        "customers.segment": "vacd",
        "customers.segmentmember": "vad",
        "customers.store": "v",
        "customers.suppressedaddress": "vac",
        "customers.outboxmail": "v",
        "rewards.codebatch": "va",
        "rewards.coupon": "vac",
        "rewards.earningrule": "va",
        "rewards.experiment": "vc",
        "rewards.gesturemail": "vc",
        "rewards.gesturetext": "vacd",
        "rewards.mailing": "vacd",
        "rewards.mailserver": "vc",
        "rewards.mailingmail": "vc",
        "rewards.offer": "vacd",
        "rewards.pointsaccount": "v",
        "rewards.pointsentry": "v",
        "rewards.pointsnotice": "vc",
        "rewards.program": "v",
        "rewards.reward": "vacd",
        "rewards.rewardpicture": "vd",
        "rewards.rewardredemption": "v",
        "rewards.surprise": "v",
        "rewards.surpriserule": "vacd",
        "rewards.tier": "vacd",
        "rewards.tierchange": "v",
        "rewards.tiermembership": "v",
        "surveys.campaign": "vacd",
        "surveys.case": "v",
        "surveys.delivery": "vc",
        "surveys.gesturebudget": "v",
        "surveys.gestureoffer": "vacd",
        "surveys.openlink": "vac",
        "surveys.question": "vacd",
        "surveys.survey": "vacd",
        "surveys.surveyresponse": "v",
    },
    CASHIER: {
        "customers.customer": "va",
        "customers.purchase": "a",
        "rewards.reward": "v",
        "rewards.rewardredemption": "vc",
        "surveys.case": "a",
    },
}


@transaction.atomic
def sync() -> None:
    """Makes the groups and gives each exactly its permissions; again and again, it changes nothing more."""
    known = {f"{p.content_type.app_label}.{p.codename}": p for p in _permissions()}
    for name in ROLES:
        group, _created = Group.objects.get_or_create(name=name)
        group.permissions.set(known[permission] for permission in permissions_of(name))


def permissions_of(role: str) -> set[str]:
    """`app.verb_model`, as `User.has_perm` takes them."""
    return {
        f"{app}.{VERBS[letter]}_{model}"
        for label, letters in ROLES[role].items()
        for app, model in (_all_models() if label == _EVERYTHING else [label.split(".")])
        for letter in letters
    }


def _all_models() -> Iterator[tuple[str, str]]:
    for app in APPS:
        for model in apps.get_app_config(app).get_models():
            yield app, str(model._meta.model_name)


def _permissions() -> Iterator[Permission]:
    return iter(Permission.objects.filter(content_type__app_label__in=APPS).select_related("content_type"))
