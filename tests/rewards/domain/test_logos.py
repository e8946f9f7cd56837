import io

import pytest
from django.core.mail import EmailMultiAlternatives
from PIL import Image

from customers.models import AuditEvent, OutboxMail
from loyalty_site.lib import actors
from rewards.domain import logos, pictures
from rewards.models import Program, RewardPicture
from tests.factories.rewards import ProgramFactory

pytestmark = pytest.mark.django_db
STAFF = actors.user(7)
RED = (176, 0, 32, 255)


@pytest.fixture
def program():
    return ProgramFactory(name="Tea & Co")


def upload(size=(960, 320), color=RED):
    out = io.BytesIO()
    Image.new("RGBA", size, color).save(out, "PNG")
    return out.getvalue()


def hang(program, now, **drawn):
    return logos.hang(program=program, upload=upload(**drawn), by=STAFF, at=now)


def test_logo_is_kept_small_and_shown_half_as_large(program, now):
    picture = hang(program, now)
    assert (picture.width, picture.height) == (384, 128)
    kept = Program.objects.get()
    assert kept.logo_id == picture.pk
    logo = logos.of(kept)
    assert (logo.width, logo.height) == (192, 64)
    with Image.open(io.BytesIO(logo.content)) as image:
        assert (image.format, image.size) == ("PNG", (384, 128))
        assert image.convert("RGBA").getpixel((100, 60)) == RED
    event = AuditEvent.objects.get()
    assert (event.action, event.actor, event.data) == ("program.logo", "user:7", {"picture": picture.pk})


def test_small_logo_keeps_its_size_and_a_line_has_an_extent(program, now):
    hang(program, now, size=(40, 30))
    assert (logos.of(program).width, logos.of(program).height) == (40, 30)
    hang(program, now, size=(480, 1))
    assert (logos.of(program).width, logos.of(program).height) == (240, 1)


def test_program_without_logo_has_none(program, now):
    assert logos.of(program) is None
    hang(program, now)
    logos.take_down(program=program, by=STAFF, at=now)
    assert logos.of(Program.objects.get()) is None
    assert RewardPicture.objects.count() == 1


def test_what_is_no_picture_leaves_the_logo(program, now):
    picture = hang(program, now)
    with pytest.raises(pictures.PictureUnreadable):
        logos.hang(program=program, upload=b"<svg/>", by=STAFF, at=now)
    assert Program.objects.get().logo_id == picture.pk


def test_mail_carries_the_logo_that_its_page_names(program, now):
    hang(program, now)
    logo = logos.of(program)
    message = EmailMultiAlternatives("Tea", "text", to=["mei@example.org"])
    message.attach_alternative(f'<img src="{logo.source}">', "text/html")
    logos.attach(message, logo)
    sent = message.message()
    kinds = [part.get_content_type() for part in sent.walk()]
    assert kinds == ["multipart/related", "multipart/alternative", "text/plain", "text/html", "image/png"]
    *_texts, picture = sent.walk()
    assert f"cid:{picture['Content-ID'].strip('<>')}" == logo.source
    assert picture.get_content_disposition() == "inline"
    assert picture.get_payload(decode=True) == logo.content


def test_page_of_the_back_office_has_it_in_its_own_address(program, now):
    assert logos.shown(program) is None
    hang(program, now)
    assert logos.shown(program).source.startswith("data:image/png;base64,iVBOR")


def test_outbox_shows_the_logo(program, now, settings):
    settings.EMAIL_BACKEND = "loyalty_site.outbox.OutboxBackend"
    hang(program, now)
    message = EmailMultiAlternatives("Tea", "text", to=["mei@example.org"])
    message.attach_alternative(f'<img src="{logos.of(program).source}">', "text/html")
    logos.attach(message, logos.of(program))
    message.send()
    assert OutboxMail.objects.get().html == f'<img src="{logos.shown(program).source}">'
