import hashlib
import io
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image, ImageCms

from customers.models import AuditEvent
from loyalty_site.lib import actors
from rewards.domain import pictures
from rewards.models import Reward, RewardPicture
from tests.factories.rewards import RewardFactory

ROOT = Path(__file__).resolve().parents[3]
RED = (200, 30, 40)


def encoded(image, kind, **more):
    out = io.BytesIO()
    image.save(out, kind, **more)
    return out.getvalue()


def plain(size=(1600, 900), color=RED, mode="RGB"):
    return Image.new(mode, size, color)


def opened(drawn):
    return Image.open(io.BytesIO(drawn.content))


def png_that_claims(width, height):
    """A few bytes that promise many pixels."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 999)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_every_kind_becomes_a_small_webp(kind):
    drawn = pictures.draw(encoded(plain(), kind))
    with opened(drawn) as image:
        assert (image.format, image.size, (drawn.width, drawn.height)) == ("WEBP", (800, 450), (800, 450))
        pixel = image.convert("RGB").getpixel((400, 200))
    assert max(abs(got - wanted) for got, wanted in zip(pixel, RED, strict=True)) <= 6
    assert len(drawn.content) < 5_000


def test_small_pictures_are_not_blown_up_and_stay_see_through():
    drawn = pictures.draw(encoded(plain((40, 30), (0, 0, 0, 0), "RGBA"), "PNG"))
    with opened(drawn) as image:
        assert (image.size, image.mode) == ((40, 30), "RGBA")
        assert image.getpixel((5, 5))[3] == 0


def test_nothing_but_the_picture_goes_over():
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x8298] = 6, "Secret camera", "Mei Lin"  # turned by a quarter, make, copyright
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    upload = encoded(plain((300, 100)), "JPEG", exif=exif, icc_profile=profile, comment=b"taken at home")
    assert b"Secret camera" in upload
    drawn = pictures.draw(upload)
    with opened(drawn) as image:
        assert image.size == (100, 300)  # upright
        assert set(image.info) <= {"loop", "background", "timestamp", "duration"}
        assert dict(image.getexif()) == {}
    assert not [word for word in (b"Secret", b"Mei Lin", b"home", b"ICCP", b"EXIF", b"XMP ") if word in drawn.content]


@pytest.mark.parametrize(
    "upload",
    [
        b"",
        b"%PDF-1.7 nothing of the kind",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        encoded(plain(), "JPEG")[:400],
        encoded(plain(), "PNG")[:60],
        encoded(plain(), "BMP"),
        encoded(plain(), "TIFF"),
        png_that_claims(100, 100),
    ],
    ids=["empty", "pdf", "svg", "half-jpeg", "half-png", "bmp", "tiff", "hollow-png"],
)
def test_what_is_no_picture_is_refused(upload):
    with pytest.raises(pictures.PictureUnreadable):
        pictures.draw(upload)


@pytest.mark.parametrize(
    "upload",
    [b"\x89PNG" + b"\0" * pictures.BYTES_MAX, png_that_claims(7000, 7000), png_that_claims(60000, 60000)],
    ids=["bytes", "pixels", "bomb"],
)
def test_what_is_too_large_is_refused_before_it_is_unpacked(upload):
    with pytest.raises(pictures.PictureTooLarge) as refused:
        pictures.draw(upload)
    assert str(refused.value) == "This picture is too large: at most 10 MB and 40 million pixels."


@pytest.mark.parametrize("path", [Path("static/img/icon-512.png"), Path("docs/images/customer.png")], ids=str)
def test_real_pictures_pass(path):
    drawn = pictures.draw((ROOT / path).read_bytes())
    assert max(drawn.width, drawn.height) <= 800
    assert len(drawn.content) < RewardPicture.CONTENT_MAX


@pytest.mark.django_db
def test_damaged_bytes_never_do_more_than_refuse():
    """Every tenth byte of a real picture turned over, one at a time."""
    good = bytearray(encoded(Image.effect_noise((64, 64), 80).convert("RGB"), "PNG"))
    for position in range(0, len(good), 10):
        bad = bytearray(good)
        bad[position] ^= 0xFF
        try:
            pictures.draw(bytes(bad))
        except (pictures.PictureUnreadable, pictures.PictureTooLarge):
            continue


@pytest.mark.django_db
def test_hang_names_the_picture_by_its_bytes_and_keeps_one_of_the_same(now):
    first, second = RewardFactory(), RewardFactory()
    for reward in (first, second, first):
        pictures.hang(reward=reward, upload=encoded(plain(), "PNG"), by=actors.user(7), at=now)
    picture = RewardPicture.objects.get()
    assert hashlib.sha256(bytes(picture.content)).hexdigest() == picture.sha256 == first.picture_id
    assert set(Reward.objects.values_list("picture", flat=True)) == {picture.sha256}
    pictures.take_down(reward=first, by=actors.user(7), at=now)
    first.refresh_from_db()
    assert (first.picture_id, RewardPicture.objects.count()) == (None, 1)
    events = AuditEvent.objects.filter(subject=f"reward:{first.pk}").order_by("pk")
    assert [event.data["picture"] for event in events] == [picture.sha256, picture.sha256, None]


@pytest.mark.django_db
def test_refused_picture_changes_nothing(now):
    reward = RewardFactory()
    pictures.hang(reward=reward, upload=encoded(plain(), "PNG"), by=actors.SYSTEM, at=now)
    kept = reward.picture_id
    with pytest.raises(pictures.PictureUnreadable):
        pictures.hang(reward=reward, upload=b"nothing", by=actors.SYSTEM, at=now)
    assert Reward.objects.get().picture_id == kept
