"""The mail that says which points lapse when."""

from django.core.mail import EmailMultiAlternatives
from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from loyalty_site.lib.numbers import points as points_text
from rewards.domain import letters
from rewards.models import PointsNotice, Program


def compose(*, notice: PointsNotice, program: Program) -> EmailMultiAlternatives:
    """In the customer's language."""
    with translation.override(notice.customer.language):
        points, day = points_text(notice.points or 0), date_format(notice.last_day, "DATE_FORMAT")
        return letters.letter(
            reference=f"points-notice-{notice.pk}",
            customer=notice.customer,
            program=program,
            subject=_("Use %(points)s by %(day)s") % {"points": points, "day": day},
            template="points_notice",
            context={"points": points, "day": day, "url": letters.link("portal:rewards")},
        )
