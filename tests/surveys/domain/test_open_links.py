from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from customers.models import AuditEvent, Customer
from loyalty_site.lib import actors
from rewards.models import PointsEntry
from surveys.domain import campaigns, open_links, reports, response_files, responses
from surveys.domain.reports import Scope
from surveys.models import Answer, Case, OpenLink, Question, SurveyResponse
from tests.factories.customers import CustomerFactory, StoreFactory
from tests.factories.rewards import ProgramFactory
from tests.factories.surveys import OpenLinkFactory, SurveyFactory
from tests.races import at_once

pytestmark = pytest.mark.django_db
STAFF = actors.user(1)


@pytest.fixture
def link(survey):
    return OpenLinkFactory(survey=survey, source="Poster at the till")


@pytest.fixture
def scale(survey):
    return survey.questions.get(position=1).pk


def submit(link, answers, now, customer=None, page_key=None):
    return open_links.submit(
        link=link,
        answers=answers,
        customer=customer,
        page_key=page_key or uuid4(),
        language="en",
        by=actors.customer(customer.pk) if customer else actors.SYSTEM,
        at=now,
    )


def test_opened_link_is_found_by_its_code_however_it_is_typed(survey, now):
    link = OpenLink(survey=survey, source="Poster")
    open_links.open_up(link=link, by=STAFF, at=now)
    assert len(link.code) == 12
    for typed in (link.code, link.code.lower(), f" {link.code[:4]}-{link.code[4:]}"):
        assert open_links.read_code(typed) == link
    assert AuditEvent.objects.get().action == "open_link.open"


@pytest.mark.parametrize("code", ["", "x", "\0", "界", "A" * 12, "A" * 500, "2345-6789"])
def test_code_that_is_none_is_unknown(link, code):
    with pytest.raises(responses.LinkUnknown):
        open_links.read_code(code)


@pytest.mark.parametrize("fields", [{"published_at": None}, {"closed_at": True}])
def test_link_of_a_survey_that_is_not_open_is_refused(now, fields):
    survey = SurveyFactory(**{name: now if value else None for name, value in fields.items()})
    with pytest.raises(campaigns.SurveyNotOpen):
        open_links.open_up(link=OpenLink(survey=survey, source="Poster"), by=STAFF, at=now)


def test_source_of_a_survey_is_told_once(link, survey, now):
    with pytest.raises(IntegrityError, match="open_link_source_is_unique"), transaction.atomic():
        open_links.open_up(link=OpenLink(survey=survey, source=link.source), by=STAFF, at=now)


def test_answers_belong_to_the_store_where_the_link_hangs(survey, scale, now):
    hangs, home = StoreFactory(), StoreFactory()
    poster, post = OpenLinkFactory(survey=survey, store=hangs), OpenLinkFactory(survey=survey)
    guests = [CustomerFactory(home_store=home) for _ in range(2)]
    given = [
        submit(poster, {scale: 9}, now),
        submit(poster, {scale: 9}, now, guests[0]),
        submit(post, {scale: 9}, now, guests[1]),
        submit(post, {scale: 9}, now),
    ]
    assert [response.store for response in given] == [hangs, hangs, home, None]
    assert reports.report(Scope(survey, stores=[hangs.pk])).responses == 2


def test_stranger_answers_and_gets_nothing(link, survey, scale, now):
    survey.follow_up_hours = 24
    survey.save()
    Question.objects.filter(pk=scale).update(follow_up_at_most=6)
    response = submit(link, {scale: 0}, now)
    assert (response.open_link, response.customer, response.delivery) == (link, None, None)
    assert Answer.objects.get().number == 0
    assert (PointsEntry.objects.count(), Case.objects.count()) == (0, 0)


def test_strangers_answer_as_often_as_they_come(link, scale, now):
    assert submit(link, {scale: 9}, now) != submit(link, {scale: 9}, now)


@pytest.mark.django_db(transaction=True)
def test_page_that_is_sent_fifty_times_at_once_is_one_response(link, scale, now):
    page_key = uuid4()
    given = at_once(*[lambda: submit(link, {scale: 9}, now, page_key=page_key)] * 50)
    assert {response.pk for response in given} == {SurveyResponse.objects.get().pk}


@pytest.mark.django_db(transaction=True)
def test_customer_who_is_signed_in_is_thanked_once_however_many_pages_they_send(link, scale, now):
    customer = CustomerFactory()
    given = at_once(*[lambda: submit(link, {scale: 9}, now, customer=customer)] * 20)
    assert {response.pk for response in given} == {SurveyResponse.objects.get().pk}
    assert PointsEntry.objects.get().points == 50


def test_database_holds_one_response_a_customer_and_survey(link, survey, now):
    fields = {"survey": survey, "customer": CustomerFactory(), "language": "en", "submitted_at": now}
    SurveyResponse.objects.create(open_link=link, page_key=uuid4(), **fields)
    other = OpenLinkFactory(survey=survey)
    with pytest.raises(IntegrityError, match="response_once_per_customer_by_open_link"), transaction.atomic():
        SurveyResponse.objects.create(open_link=other, page_key=uuid4(), **fields)


def test_customer_who_answered_the_mail_is_not_thanked_again(link, scale, due, now):
    delivery = due()
    by = actors.customer(delivery.customer_id)
    first = responses.submit(delivery=delivery, answers={scale: 9}, language="en", by=by, at=now)
    assert submit(link, {scale: 3}, now, customer=delivery.customer) == first
    assert PointsEntry.objects.count() == 1


def test_low_score_of_who_is_signed_in_opens_a_case(link, survey, scale, now):
    survey.follow_up_hours = 24
    survey.save()
    Question.objects.filter(pk=scale).update(follow_up_at_most=6)
    customer = CustomerFactory()
    submit(link, {scale: 0}, now, customer=customer)
    assert Case.objects.get().customer == customer


def test_anonymous_survey_forgets_who_is_signed_in(link, survey, scale, now):
    survey.is_anonymous = True
    survey.save()
    assert submit(OpenLink.objects.get(), {scale: 9}, now, customer=CustomerFactory()).customer is None
    assert not PointsEntry.objects.exists()


def test_closed_link_takes_nothing(link, scale, now):
    open_links.close(link=link, by=STAFF, at=now + timedelta(days=1))
    with pytest.raises(responses.SurveyClosed):
        submit(link, {scale: 9}, now)
    with pytest.raises(open_links.OpenLinkClosed):
        open_links.close(link=link, by=STAFF, at=now + timedelta(days=1))


def test_who_left_is_told_that_it_ended(link, scale, now):
    customer = CustomerFactory()
    Customer.objects.filter(pk=customer.pk).update(closed_at=now)
    with pytest.raises(responses.SurveyClosed):
        submit(link, {scale: 9}, now, customer=customer)


def test_results_and_the_file_tell_sources_apart(link, survey, scale, now):
    ProgramFactory(timezone="UTC")
    submit(link, {scale: 9}, now)
    submit(OpenLinkFactory(survey=survey, source="Receipt"), {scale: 2}, now)
    found = reports.report(Scope(survey, open_link=link))
    assert (found.responses, found.main.counts) == (1, {9: 1})
    lines = [line[2:7] for line in response_files.lines(Scope(survey))]
    assert lines == [[None, None, None, "en", "Poster at the till"], [None, None, None, "en", "Receipt"]]
