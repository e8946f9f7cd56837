from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.domain import consents
from customers.models import Purpose, Segment, SegmentMember
from loyalty_site.lib import actors
from surveys.domain import comments, funnels, partials, reports, response_files, responses, scoring
from surveys.domain.reports import Scope
from surveys.domain.scoring import Dispositions
from surveys.models import Answer, CampaignState, DeliveryState, SurveyResponse
from tests.factories.customers import PurchaseFactory, StoreFactory
from tests.factories.rewards import ProgramFactory
from tests.factories.surveys import CampaignFactory, DeliveryFactory, QuestionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def program():
    return ProgramFactory(timezone="UTC")


@pytest.fixture
def answer(willing, sending, now):
    """Makes a delivery that was answered."""

    def make(score, comment="", *, campaign=sending, after=timedelta(0), language="en", purchase=None, **fields):
        about = {"purchase": purchase, "occurrence": None} if purchase else {}
        delivery = DeliveryFactory(
            campaign=campaign,
            customer=willing(**fields),
            state=DeliveryState.ACCEPTED,
            opened_at=now,
            settled_at=now,
            **about,
        )
        scale, text = campaign.survey.questions.order_by("position")
        answers = {scale.pk: score} | ({text.pk: comment} if comment else {})
        by = actors.customer(delivery.customer_id)
        return responses.submit(delivery=delivery, answers=answers, language=language, by=by, at=now + after)

    return make


@pytest.fixture
def answers(survey, sending, willing, now):
    """Makes many at once, of one store."""

    def make(scores, *, store=None, at=now):
        scale = survey.questions.get(kind="NPS")
        for score in scores:
            customer = willing(home_store=store)
            delivery = DeliveryFactory(campaign=sending, customer=customer, state=DeliveryState.ACCEPTED)
            given = SurveyResponse.objects.create(
                survey=survey, delivery=delivery, customer=customer, store=store, language="en", submitted_at=at
            )
            Answer.objects.create(response=given, question=scale, number=score)

    return make


def test_report_of_nothing_is_empty(survey):
    found = reports.report(Scope(survey))
    assert (found.responses, found.periods, found.stores, found.segments) == (0, (), (), ())
    assert [(question.counts, question.score) for question in found.questions] == [({}, None)]


def test_report_counts_scores(survey, answer):
    for score in (10, 10, 9, 7, 0):
        answer(score)
    found = reports.report(Scope(survey))
    assert found.responses == 5
    assert found.main.counts == {10: 2, 9: 1, 7: 1, 0: 1}
    assert found.main.score == scoring.nps(3, 1, 1)


def test_scope_leaves_out_the_others(survey, sending, answer, now):
    store = StoreFactory()
    other = CampaignFactory(
        survey=survey, state=CampaignState.SENDING, starts_at=now, scheduled_by="user:1", materialized_at=now
    )
    told = {
        "language": answer(0, language="zh-hans"),
        "stores": answer(1, home_store=store),
        "campaign": answer(2, campaign=other),
        "segment": answer(3),
        "since": answer(4, after=timedelta(days=3)),
    }
    segment = Segment.objects.create(name="Regulars")
    SegmentMember.objects.create(segment=segment, customer=told["segment"].customer, since=now)
    narrow = {
        "language": "zh-hans",
        "stores": [store.pk],
        "campaign": other,
        "segment": segment,
        "since": now + timedelta(days=3),
    }
    for name, value in narrow.items():
        scope = Scope(survey, **{name: value})
        assert list(reports.responses(scope)) == [told[name]], name
        assert reports.report(scope).responses == 1
    assert reports.report(Scope(survey, until=now + timedelta(days=3))).responses == 4


def test_periods_have_no_gap(survey, answers, now):
    monday = now - timedelta(days=now.weekday())
    answers([10, 9], at=monday - timedelta(weeks=2))
    answers([0], at=monday)
    found = reports.report(Scope(survey))
    weeks = [monday.date() - timedelta(weeks=back) for back in (2, 1, 0)]
    assert found.is_weekly
    assert [(period.first, period.score and period.score.value) for period in found.periods] == list(
        zip(weeks, (100.0, None, -100.0), strict=True)
    )


def test_long_times_are_told_by_month(survey, answers, now):
    answers([10], at=now)
    answers([0], at=now - timedelta(days=300))
    found = reports.report(Scope(survey))
    assert not found.is_weekly
    assert found.periods[-1].first == date(now.year, now.month, 1)
    assert 10 <= len(found.periods) <= 11
    assert sum(period.score is not None for period in found.periods) == 2


def test_stores_are_ranked_and_small_ones_stand_behind(survey, answers):
    good, bad, small = StoreFactory(), StoreFactory(), StoreFactory()
    answers([10] * 25 + [8] * 6, store=good)
    answers([0] * 20 + [9] * 11, store=bad)
    answers([10] * 3, store=small)
    found = reports.report(Scope(survey)).stores
    assert [(group.id, group.score.n, group.score.is_ranked) for group in found] == [
        (good.pk, 31, True),
        (bad.pk, 31, True),
        (small.pk, 3, False),
    ]
    assert found[0].apart == scoring.difference(scoring.nps(25, 6, 0), scoring.nps(14, 0, 20))
    assert found[1].apart.high < 0
    assert found[2].apart is None


def test_answer_and_mail_belong_to_the_store_of_the_purchase(survey, answer):
    home, bought = StoreFactory(), StoreFactory()
    given = answer(2, home_store=home, purchase=PurchaseFactory(store=bought))
    assert given.store == bought
    for store, number in ((home, 0), (bought, 1)):
        scope = Scope(survey, stores=[store.pk])
        assert reports.report(scope).responses == number
        assert funnels.funnel(scope).answered == number


def test_answer_stays_with_the_store_when_its_customer_moves(survey, answer):
    given = answer(10, home_store=StoreFactory())
    given.customer.home_store = StoreFactory()
    given.customer.save()
    assert [group.id for group in reports.report(Scope(survey)).stores] == [given.store_id]


def test_segments_count_their_members(survey, answers, now):
    answers([10, 9, 0])
    segment = Segment.objects.create(name="Regulars")
    for given in SurveyResponse.objects.order_by("pk")[:2]:
        SegmentMember.objects.create(segment=segment, customer=given.customer, since=now)
    [group] = reports.report(Scope(survey)).segments
    assert (group.id, group.name, group.score) == (segment.pk, "Regulars", scoring.nps(2, 0, 0))


def test_change_is_against_the_same_time_before(survey, answers, now):
    week = timedelta(days=7)
    answers([0] * 30, at=now - week - timedelta(days=1))
    answers([10] * 30, at=now - timedelta(days=1))
    found = reports.report(Scope(survey, since=now - week, until=now))
    assert found.main.score == scoring.nps(30, 0, 0)
    assert found.main.change == scoring.difference(scoring.nps(30, 0, 0), scoring.nps(0, 0, 30))


def test_funnel_says_what_became_of_everybody(survey, sending, answer, now):
    answer(10)
    for state, reason, opened in (
        (DeliveryState.ACCEPTED, "", now),
        (DeliveryState.ACCEPTED, "", None),
        (DeliveryState.UNCERTAIN, "", None),
        (DeliveryState.REJECTED, "", None),
        (DeliveryState.PENDING, "", None),
        (DeliveryState.SUPPRESSED, "NO_CONSENT", None),
    ):
        DeliveryFactory(campaign=sending, state=state, reason=reason, opened_at=opened)
    found = funnels.funnel(Scope(survey))
    assert found.dispositions == Dispositions(complete=1, silent=2, uncertain=1, undelivered=1)
    assert (found.chosen, found.invited, found.left, found.opened, found.answered) == (7, 6, 4, 2, 1)
    assert found.suppressed == {"NO_CONSENT": 1}
    assert found.dispositions.response_rate_1 == scoring.Rate(1, 5)


def test_half_of_the_answers_are_a_partial_response_and_less_is_broken_off(survey, sending, now):
    """Neither was sent, so the response rate is not moved by them."""
    third = QuestionFactory(survey=survey, kind="TEXT")
    scale, text = survey.questions.order_by("position").exclude(pk=third.pk)
    for told in ({scale.pk: 9}, {scale.pk: 9, text.pk: "Bread"}, {}):
        delivery = DeliveryFactory(campaign=sending, state=DeliveryState.ACCEPTED, settled_at=now)
        partials.keep(delivery=delivery, answers=told, at=now)
    found = funnels.funnel(Scope(survey))
    assert found.dispositions == Dispositions(partial=1, broken_off=1, silent=1)
    assert (found.opened, found.begun, found.answered) == (2, 2, 0)
    assert (found.dispositions.response_rate_1, found.dispositions.response_rate_2) == (
        scoring.Rate(0, 3),
        scoring.Rate(1, 3),
    )


@pytest.mark.parametrize(("days", "refused"), [(1, 1), (15, 0)])
def test_who_takes_back_their_consent_soon_after_the_mail_refused(survey, sending, willing, now, days, refused):
    customer = willing()
    DeliveryFactory(campaign=sending, customer=customer, state=DeliveryState.ACCEPTED, settled_at=now)
    consents.withdraw(
        customer=customer,
        purpose=Purpose.SURVEY_EMAIL,
        by=actors.customer(customer.pk),
        at=now + timedelta(days=days),
    )
    assert funnels.funnel(Scope(survey)).dispositions == Dispositions(refused=refused, silent=1 - refused)


def test_who_takes_back_their_consent_twice_refused_once(survey, sending, willing, now):
    customer = willing()
    DeliveryFactory(campaign=sending, customer=customer, state=DeliveryState.ACCEPTED, settled_at=now)
    asked = {"customer": customer, "purpose": Purpose.SURVEY_EMAIL, "by": actors.customer(customer.pk)}
    for days in (2, 6):
        consents.withdraw(**asked, at=now + timedelta(days=days))
        consents.grant(**asked, at=now + timedelta(days=days + 1))
    assert funnels.funnel(Scope(survey)).dispositions == Dispositions(refused=1)


def test_a_reminder_counts_with_its_first_mail(survey, sending, answer):
    given = answer(10)
    DeliveryFactory(
        reminds=given.delivery, touch=2, state=DeliveryState.UNCERTAIN, campaign=sending, customer=given.customer
    )
    assert funnels.funnel(Scope(survey)).dispositions == Dispositions(complete=1)


def test_comments_are_the_newest_first_with_their_score(survey, answer):
    answer(10, "Good")
    answer(8)
    answer(2, "Bad", after=timedelta(hours=1))
    assert [(each.text, each.score) for each in comments.comments(Scope(survey))] == [("Bad", 2), ("Good", 10)]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("MILK", ["The milk was off"]),
        ("off milk", ["The milk was off"]),
        ("牛奶", ["牛奶过期了"]),
        ("100%", ["100% good"]),
    ],
)
def test_comments_are_searched_by_their_words(survey, answer, search, found):
    for text in ("The milk was off", "牛奶过期了", "100% good", "1000 things"):
        answer(5, text)
    assert [each.text for each in comments.comments(Scope(survey), search=search)] == found


def test_words_of_low_and_of_high_scores_stand_apart(survey, answer):
    for _ in range(8):
        answer(2, "The queue was long.")
        answer(10, "Fresh bread.")
    found = {theme.word: (theme.low, theme.high) for theme in comments.looked_over(Scope(survey))}
    assert (found["queue"], found["bread"]) == ((8, 0), (0, 8))


def test_file_has_a_line_a_response(survey, answer, now):
    store = StoreFactory(code="S1")
    one = answer(10, "Good", home_store=store)
    two = answer(3)
    assert response_files.headings(Scope(survey))[-2:] == ["q1", "q2"]
    campaign = one.delivery.campaign.name
    lines = list(response_files.lines(Scope(survey)))
    assert lines[0] == [one.pk, now.isoformat(), campaign, "S1", one.customer.number, "en", None, "10", "Good"]
    assert lines[1][-2:] == ["3", None]
    assert two.pk == lines[1][0]


def test_report_takes_as_many_queries_for_three_stores_as_for_one(survey, answers):
    def taken():
        with CaptureQueriesContext(connection) as captured:
            reports.report(Scope(survey))
            funnels.funnel(Scope(survey))
        return len(captured)

    answers([10], store=StoreFactory())
    first = taken()
    for _ in range(2):
        answers([9, 0], store=StoreFactory())
    assert taken() == first
    assert first <= 8
