"""Every mail that a customer may get, in both languages. With MAILS_TO=folder they are kept there, to be looked at."""

import io
import os
import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from django.core import mail
from PIL import Image, ImageDraw

from customers import tasks
from customers.models import Recommendation
from loyalty_site.lib import actors
from rewards.domain import logos, mail_texts, notice_mails, told_mails
from rewards.domain.mail_texts import Text
from rewards.models import Gesture, PointsNotice
from surveys.domain import case_mails, invitations
from surveys.models import CaseEvent, CaseEventKind, CaseMail
from tests.factories.customers import CustomerFactory, ProductFactory, StoreFactory
from tests.factories.rewards import CouponFactory, OfferFactory, ProgramFactory
from tests.factories.surveys import CampaignFactory, CaseFactory, DeliveryFactory, QuestionFactory, SurveyFactory

pytestmark = pytest.mark.django_db

CLIPPED = 102 * 1024  # where Gmail cuts the HTML of a mail
ENDS = datetime(2026, 6, 20, 16, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _site(settings):
    settings.BASE_URL = "https://club.example.org"
    settings.CASE_ADDRESS = "care@example.org"


@pytest.fixture
def program():
    return ProgramFactory(name="Green Basket", timezone="Asia/Shanghai", postal_address="1 Orchard Road, Shanghai")


def logo():
    image = Image.new("RGBA", (360, 96), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((0, 0, 95, 95), 24, fill=(176, 0, 32, 255))
    draw.rectangle((120, 36, 355, 60), fill=(40, 20, 24, 255))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


@pytest.fixture(params=["house", "own"])
def look(request, program, now):
    """The look of a programme that nobody has dressed, and of one with a color and a logo."""
    if request.param == "own":
        program.brand_color = "#b00020"
        program.save()
        logos.hang(program=program, upload=logo(), by=actors.SYSTEM, at=now)
    return request.param


def told(customer, program, text, **gift):
    empty = Text({}, {})
    return told_mails.compose(
        reference="gesture-1", customer=customer, program=program, text=empty, default=text, at=ENDS, **gift
    )


def coupon():
    offer = OfferFactory(title={"en": "A tea & a cake of the house, on us", "zh-hans": "本店红茶一杯配蛋糕一份"})
    return CouponFactory(offer=offer, expires_at=ENDS)


def survey(**fields):
    made = SurveyFactory(
        title={"en": "How was your visit?", "zh-hans": "您对这次光临满意吗？"},
        introduction={
            "en": "Thank you for your visit. We read every answer.",
            "zh-hans": "感谢您的光临，每一份回复我们都会认真阅读。",
        },
        reward_points=50,
        **fields,
    )
    text = {"en": "How likely are you to recommend us to a friend?", "zh-hans": "您有多大可能向朋友推荐我们？"}
    QuestionFactory(survey=made, position=1, kind="NPS", text=text)
    return made


def asked(customer, program, touch=1, **fields):
    delivery = DeliveryFactory(customer=customer, campaign=CampaignFactory(survey=survey(**fields)))
    delivery.touch = touch
    return invitations.compose(delivery=delivery, program=program)


def of_case(customer, program):
    case = CaseFactory(customer=customer, store=StoreFactory(name="Riverside"))
    text = "Dear Mei,\n\nwe are sorry about the bread.\nPlease see https://club.example.org/sorry."
    event = CaseEvent(
        case=case, kind=CaseEventKind.MAIL_OUT, text=text, address=customer.email, message_id="<a@b>", pk=17
    )
    return case_mails.compose(CaseMail(event=event), program)


def of_code(customer, program):
    tasks.mail_code(customer, "271828")
    return mail.outbox[-1]


def of_notice(customer, program):
    notice = PointsNotice(pk=17, customer=customer, points=12_400, last_day=date(2026, 6, 30))
    return notice_mails.compose(notice=notice, program=program, at=ENDS)


def liked(customer):
    """Three products of the longest names there are."""
    for rank, kind in enumerate(("again", "new", "new"), start=1):
        reason = {"times": 9, "last_on": "2026-05-02", "every_days": 20} if kind == "again" else {"everywhere": True}
        Recommendation.objects.create(
            customer=customer,
            rank=rank,
            product=ProductFactory(name=f"Tea & {'honey ' * 32}"[:200]),
            kind=kind,
            score=1,
            reason=reason,
            made_at=ENDS,
        )


def recommending(customer, program):
    liked(customer)
    text = Text(
        mail_texts.OFFER.subject, {"en": "Dear {first_name},\n\n{recommendations}", "zh-hans": "{recommendations}"}
    )
    return told(customer, program, text, coupon=coupon())


def recommending_notice(customer, program):
    liked(customer)
    program.notice_recommends = True
    return of_notice(customer, program)


KINDS = {
    "sign-in-code": of_code,
    "lapse-notice": of_notice,
    "surprise-coupon": lambda *who: told(*who, mail_texts.GESTURES[Gesture.COUPON], coupon=coupon()),
    "surprise-gift": lambda *who: told(*who, mail_texts.GESTURES[Gesture.GIFT], coupon=coupon()),
    "surprise-points": lambda *who: told(*who, mail_texts.GESTURES[Gesture.POINTS], points=300),
    "mailing": lambda *who: told(*who, mail_texts.OFFER, coupon=coupon()),
    "mailing-recommending": recommending,
    "lapse-notice-recommending": recommending_notice,
    "survey": asked,
    "survey-reminder": lambda *who: asked(*who, touch=2),
    "survey-anonymous": lambda *who: asked(*who, is_anonymous=True),
    "case": of_case,
}
# Mails that answer what somebody asked for have nothing to stop.
ANSWERS = {"sign-in-code", "case"}


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("kind", KINDS)
def test_mail_is_whole_in_text_and_html(kind, language, look, program):
    customer = CustomerFactory(name="王小梅" if language == "zh-hans" else "Mei Wang", language=language)
    message = KINDS[kind](customer, program)
    (page,) = (part.content for part in message.alternatives)
    keep(f"{kind}-{language}-{look}", page, message)
    assert len(page.encode()) < CLIPPED
    assert f'<html lang="{language}">' in page
    assert re.search(r'<meta name="viewport" content="width=device-width', page)
    assert "{{" not in page + message.body
    assert "{%" not in page + message.body
    assert len(message.body.split("\n--\n")) == 2 or kind == "case"
    assert set(re.findall(r'<img[^>]* src="([^"]{4})', page)) <= {"cid:"}
    assert not re.search(r"url\(|@import|<script|<link", page)
    assert ("Green Basket, 1 Orchard Road, Shanghai" in page) == (kind != "case") or kind == "case"
    assert ("List-Unsubscribe" in message.extra_headers) == (kind not in ANSWERS)


def keep(name, page, message):
    """Where somebody wants to look at them; a logo then stands in the page itself."""
    if folder := os.environ.get("MAILS_TO"):
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        (target / f"{name}.html").write_text(page)
        (target / f"{name}.eml").write_bytes(message.message().as_bytes())
