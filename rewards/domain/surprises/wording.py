"""What a customer reads of a surprise."""

from django.utils.translation import gettext as _

from loyalty_site.lib.texts import localized
from rewards.models import SurpriseRule


def title_of(rule: SurpriseRule, language: str | None = None) -> str:
    """The rule's own title, else its offer's."""
    return localized(rule.title, language) or (localized(rule.offer.title, language) if rule.offer else _("Thank you!"))


def message_of(rule: SurpriseRule, language: str | None = None) -> str:
    """The rule's own message, else its offer's description; may be empty."""
    return localized(rule.message, language) or (localized(rule.offer.description, language) if rule.offer else "")
