"""What a customer may like, in the mails of marketing and in lapse notices."""

from datetime import UTC, date, datetime

import pytest

from customers.models import Recommendation
from rewards.domain import mailings, notices, told_mails, wording
from rewards.domain.mail_texts import Text
from rewards.models import Mailing, MailingMail, PointsNotice
from tests.factories.customers import CustomerFactory, ProductFactory
from tests.factories.rewards import CouponFactory, ExperimentFactory, OfferFactory, ProgramFactory

NOON = datetime(2026, 6, 15, 4, 0, tzinfo=UTC)
BODY = {"en": "For you:\n\n{recommendations}\n\nBye", "zh-hans": "{recommendations}"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def program():
    return ProgramFactory(name="Green Basket", timezone="Asia/Shanghai")


@pytest.fixture
def mia():
    """Has a list of four."""
    mia = CustomerFactory(name="Mia")
    for rank, name in enumerate(("Tea & cake", "{code}", "Oats", "Jam"), start=1):
        Recommendation.objects.create(
            customer=mia,
            rank=rank,
            product=ProductFactory(name=name),
            kind="new",
            score=1,
            reason={"everywhere": True},
            made_at=NOON,
        )
    return mia


def mail_of(customer, program, body=BODY):
    offer = OfferFactory()
    experiment = ExperimentFactory(kind="MAILING")
    mailing = Mailing.objects.create(name="June", offer=offer, experiment=experiment, body=body)
    row = MailingMail(
        pk=1, mailing=mailing, customer=customer, coupon=CouponFactory(offer=offer, customer=customer), claimed_at=NOON
    )
    return mailings.QUEUE.compose(row, program)


def page_of(message):
    (page,) = (part.content for part in message.alternatives)
    return page


def test_a_mailing_names_three_products_where_its_text_wants_it(mia, program):
    message = mail_of(mia, program)
    lines = [
        "For you:",
        "",
        "You may also like:",
        "Tea & cake: Many customers take this.",
        "{code}: Many customers take this.",
        "Oats: Many customers take this.",
        "",
        "Bye",
    ]
    assert "\n".join(lines) in message.body
    assert "Tea &amp; cake: Many customers take this.<br>" in page_of(message)
    assert "Jam" not in message.body + page_of(message)


def test_the_same_list_makes_the_same_mail(mia, program):
    assert mail_of(mia, program).body.split("Bye")[0] == mail_of(mia, program).body.split("Bye")[0]


@pytest.mark.parametrize("off", [True, False])
def test_a_mail_names_nothing_to_who_wants_nothing_or_has_no_list(mia, program, off):
    if off:
        mia.profiling_refused_at = NOON
        mia.save(update_fields=["profiling_refused_at"])
    else:
        mia.recommendations.all().delete()
    message = mail_of(mia, program)
    assert "For you:\n\nBye" in message.body
    assert "You may also like" not in page_of(message)


@pytest.mark.parametrize(("body", "queries"), [({"en": "Hello"}, 0), (BODY, 1)])
def test_only_a_text_that_names_recommendations_reads_them_in_one_query(
    mia, program, body, queries, django_assert_num_queries
):
    text, told = Text({"en": "Hi"}, body), {"reference": "mailing-1", "customer": mia, "program": program, "at": NOON}
    told_mails.compose(text=text, default=text, **told)
    with django_assert_num_queries(queries):
        told_mails.compose(text=text, default=text, **told)


def test_the_preview_shows_how_it_will_look(program):
    text = Text({"en": "Hi"}, BODY)
    shown = told_mails.preview(text=text, default=text, language="en", program=program, offer=OfferFactory(), at=NOON)
    assert "You may also like:" in shown.page
    assert "{recommendations}" not in shown.page


def test_a_subject_has_no_room_for_recommendations():
    with pytest.raises(wording.PlaceholderUnknown):
        told_mails.check(text=Text({"en": "{recommendations}"}, {}), points=False)
    told_mails.check(text=Text({}, {"en": "{recommendations}"}), points=True)


@pytest.mark.parametrize("wanted", [True, False])
def test_lapse_notices_name_products_where_the_programme_wants_it(mia, program, wanted):
    program.notice_recommends = wanted
    notice = PointsNotice(pk=17, customer=mia, points=120, last_day=date(2026, 6, 30), claimed_at=NOON)
    message = notices.QUEUE.compose(notice, program)
    assert ("Oats: Many customers take this." in message.body) == wanted
    assert ("Oats: Many customers take this." in page_of(message)) == wanted
