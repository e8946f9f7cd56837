"""What the ends of scales mean, in the reader's language."""

from django.utils.translation import gettext as _

from surveys.models import QuestionKind


def ends(kind: str) -> tuple[str, str]:
    """What the least and the most score of a kind of question say."""
    if kind == QuestionKind.CSAT:
        return _("Very dissatisfied"), _("Very satisfied")
    if kind == QuestionKind.CES:
        return _("Very difficult"), _("Very easy")
    return _("Not at all likely"), _("Extremely likely")
