"""The mail that says which points lapse when."""

from datetime import datetime

from django.core.mail import EmailMultiAlternatives
from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from loyalty_site.lib.numbers import points as points_text
from rewards.domain import letters, told_mails
from rewards.models import PointsNotice, Program


def compose(*, notice: PointsNotice, program: Program, at: datetime) -> EmailMultiAlternatives:
    """In the customer's language; with what they may like where the programme wants that."""
    with translation.override(notice.customer.language):
        points, day = points_text(notice.points or 0), date_format(notice.last_day, "DATE_FORMAT")
        recommended = told_mails.recommended(customer=notice.customer, at=at) if program.notice_recommends else ""
        return letters.letter(
            reference=f"points-notice-{notice.pk}",
            customer=notice.customer,
            program=program,
            subject=_("Use %(points)s by %(day)s") % {"points": points, "day": day},
            template="points_notice",
            context={"points": points, "day": day, "recommended": recommended, "url": letters.link("portal:rewards")},
        )
