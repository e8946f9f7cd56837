"""What mails that tell of a coupon or of points have in common: what placeholders stand for, and where it is seen."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.formats import date_format

from loyalty_site.lib import codes, numbers
from loyalty_site.lib.texts import localized
from rewards.domain import letters, wording
from rewards.models import Coupon, CouponState, Offer, Program


def is_good(*, coupon: Coupon, at: datetime) -> bool:
    """Whether there still is something to tell of."""
    offer = coupon.offer
    over = [moment for moment in (coupon.expires_at, offer.withdrawn_at, offer.valid_to) if moment and moment <= at]
    return coupon.state == CouponState.ISSUED and not over


def values_of(*, coupon: Coupon, program: Program) -> dict[str, str]:
    """In the active language; days are the programme's."""
    return {
        "coupon_title": str(coupon.offer),
        "code": coupon.display_code,
        "expires_on": date_format(_last_day(coupon.expires_at, program), "DATE_FORMAT") if coupon.expires_at else "",
    }


def _last_day(ends_at: datetime, program: Program) -> date:
    return (ends_at - timedelta(microseconds=1)).astimezone(ZoneInfo(program.timezone)).date()


def values_of_points(*, points: int) -> dict[str, str]:
    return {"points": numbers.points(points)}


def examples(
    *, offer: Offer | None, points: int | None, program: Program, language: str, today: date
) -> dict[str, str]:
    """For a preview, in the active language: a customer called Mei, and what the mail would tell of."""
    told = {"first_name": wording.example_name(language), "program": program.name}
    if points:
        return {**told, **values_of_points(points=points)}
    days = offer.coupon_days if offer else 30
    return {
        **told,
        "coupon_title": localized(offer.title, language) if offer else "…",
        "code": codes.grouped("4T7KQXABCDEF"),
        "expires_on": date_format(today + timedelta(days=days), "DATE_FORMAT"),
    }


def address(*, coupon: Coupon | None) -> str:
    """The page that shows it, behind the customer's own sign-in: nobody else's who finds the mail."""
    return letters.link("portal:coupon", coupon.pk) if coupon else letters.link("portal:activity")
