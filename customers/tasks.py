"""Wake-ups for what waits in rows."""

import css_inline
from celery import shared_task
from django.core.mail import EmailMultiAlternatives
from django.core.management import call_command
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from customers.domain import attempts, idempotency, rhythms, sign_in
from customers.domain.absences import chances
from customers.domain.worths import forecasts
from customers.models import Customer

_inliner = css_inline.CSSInliner(keep_style_tags=True, load_remote_stylesheets=False)


@shared_task(name="customers.send_sign_in_codes")
def send_sign_in_codes(**kwargs: object) -> None:
    sign_in.send_pending(mailer=mail_code, at=timezone.now())


@shared_task(name="customers.refresh_recommendations")
def refresh_recommendations(**kwargs: object) -> None:
    from customers.domain.recommendations import runs  # noqa: PLC0415 - numpy and scipy are heavy

    runs.refresh(at=timezone.now())


@shared_task(name="customers.refresh_stale_recommendations")
def refresh_stale_recommendations(**kwargs: object) -> None:
    """Of who bought since the night."""
    from customers.domain.recommendations import runs  # noqa: PLC0415

    runs.refresh_stale(at=timezone.now())


@shared_task(name="customers.refresh_rhythms")
def refresh_rhythms(**kwargs: object) -> None:
    now = timezone.now()
    rhythms.refresh(at=now)
    try:
        forecasts.refresh(at=now)
    finally:
        chances.refresh(at=now)  # needs no forecast


@shared_task(name="customers.forget_sign_ins")
def forget_sign_ins(**kwargs: object) -> None:
    """Old requests for codes, and sessions that have ended."""
    sign_in.forget(at=timezone.now())
    call_command("clearsessions")


@shared_task(name="customers.forget_calls")
def forget_calls(**kwargs: object) -> None:
    """Answers to tills that are kept long enough."""
    idempotency.forget(at=timezone.now())


@shared_task(name="customers.forget_attempts")
def forget_attempts(**kwargs: object) -> None:
    """Tries of codes that nobody asks about any more."""
    attempts.forget(at=timezone.now())


def mail_code(customer: Customer, code: str) -> None:
    """In the customer's language. Raises OSError when the mail server does not take it."""
    context = {"customer": customer, "code": code, "minutes": sign_in.VALID_FOR.seconds // 60}
    with translation.override(customer.language):
        mail = EmailMultiAlternatives(
            subject=_("%(code)s is your code to sign in") % {"code": code},
            body=render_to_string("emails/sign_in_code.txt", context),
            to=[customer.email],
            headers={"Auto-Submitted": "auto-generated"},
        )
        mail.attach_alternative(_inliner.inline(render_to_string("emails/sign_in_code.html", context)), "text/html")
    mail.send()
