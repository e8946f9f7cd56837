"""Surveys for whoever comes by: an address for a poster, a receipt, a post."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from customers.domain import audit, customers
from customers.models import Customer
from loyalty_site.lib import codes
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError
from rewards.domain import points
from surveys.domain import campaigns, responses
from surveys.domain.responses import AnswerValue
from surveys.models import OpenLink, Survey, SurveyResponse


class OpenLinkClosed(DomainError):
    code = "open_link_closed"
    message = _("This link is closed already.")


@transaction.atomic
def open_up(*, link: OpenLink, by: Actor, at: datetime) -> None:
    """Gives a new link, which has its survey and its source, an address nobody can guess (54 bits) and keeps it.

    Raises campaigns.SurveyNotOpen; IntegrityError where the survey has such a source already.
    """
    survey = Survey.objects.select_for_update(no_key=True).get(pk=link.survey_id)
    if survey.published_at is None or survey.closed_at is not None:
        raise campaigns.SurveyNotOpen
    link.code, link.opened_at = codes.generate(length=OpenLink.CODE_LENGTH), at
    link.save(force_insert=True)
    audit.record(actor=by, action="open_link.open", subject=f"open-link:{link.pk}", at=at)


@transaction.atomic
def close(*, link: OpenLink, by: Actor, at: datetime) -> None:
    """It takes no more answers. Raises OpenLinkClosed."""
    if not OpenLink.objects.filter(pk=link.pk, closed_at__isnull=True).update(closed_at=at):
        raise OpenLinkClosed
    audit.record(actor=by, action="open_link.close", subject=f"open-link:{link.pk}", at=at)


def read_code(code: str) -> OpenLink:
    """As people type it, too. Raises responses.LinkUnknown."""
    known = OpenLink.objects.select_related("survey")
    link = known.filter(code=codes.normalize(code)).first() if codes.is_well_formed(codes.normalize(code)) else None
    if link is None:
        raise responses.LinkUnknown
    return link


def is_open(link: OpenLink) -> bool:
    return link.closed_at is None and link.survey.closed_at is None


def thanks(link: OpenLink) -> int:
    """The points that somebody who is signed in gets; an anonymous survey asks nobody who they are."""
    return 0 if link.survey.is_anonymous else link.survey.reward_points


def of_customer(*, link: OpenLink, customer: Customer | None) -> SurveyResponse | None:
    """The first that this person gave to the survey, be it by mail."""
    if customer is None or link.survey.is_anonymous:
        return None
    given = SurveyResponse.objects.filter(survey=link.survey_id, customer__in=customers.family(customer=customer))
    return given.select_related("points_entry").order_by("submitted_at", "pk").first()


@transaction.atomic
def submit(
    *,
    link: OpenLink,
    answers: Mapping[int, AnswerValue],
    customer: Customer | None,
    page_key: UUID,
    language: str,
    by: Actor,
    at: datetime,
) -> SurveyResponse:
    """Records `answers` by the ids of their questions. A `customer` who is signed in is thanked with points, once for
    each survey, and a low score of theirs opens a case; of anybody else neither is known whom to thank nor to call.

    The same page sent again, or a customer who answered before, finds the first response, and nothing changes. Raises
    SurveyClosed, AnswersInvalid, NothingAnswered; CustomerMerged when that happens at this moment. Locks the points
    account, then the link.
    """
    if link.survey.is_anonymous:
        customer = None
    if customer:
        _keep_in_programme(customer)
    link = OpenLink.objects.select_for_update(no_key=True, of=("self",)).select_related("survey").get(pk=link.pk)
    same = SurveyResponse.objects.select_related("points_entry").filter(open_link=link, page_key=page_key).first()
    if given := same or of_customer(link=link, customer=customer):
        return given
    if not is_open(link):
        raise responses.SurveyClosed
    response = SurveyResponse(
        survey=link.survey,
        open_link=link,
        page_key=page_key,
        customer=customer,
        store_id=link.store_id or (customer.home_store_id if customer else None),
        language=language,
        submitted_at=at,
    )
    responses.record(response=response, answers=answers, by=by, at=at)
    return response


def _keep_in_programme(customer: Customer) -> None:
    try:
        points.lock(customer=customer)
    except customers.CustomerClosed as error:
        raise responses.SurveyClosed from error
