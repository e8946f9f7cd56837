"""The programme's logo: small, without loss, and in mails a part of the mail, so that nothing is loaded from afar."""

from base64 import b64encode
from dataclasses import dataclass, replace
from datetime import datetime
from email.mime.image import MIMEImage
from functools import lru_cache
from io import BytesIO

from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from PIL import Image

from customers.domain import audit
from loyalty_site.lib.actors import Actor
from rewards.domain import pictures
from rewards.models import Program, RewardPicture

# Twice as large as mails show it, for screens that are fine.
BOX, SHOWN = (480, 128), (240, 64)


@dataclass(frozen=True, slots=True)
class Logo:
    """As a mail shows it: a PNG, which every mail program reads. `source` is what the page names, pixels are CSS's."""

    content: bytes
    content_id: str
    source: str
    width: int
    height: int


@transaction.atomic
def hang(*, program: Program, upload: bytes, by: Actor, at: datetime) -> RewardPicture:
    """Gives the programme this logo instead of the one it had. Raises PictureUnreadable, PictureTooLarge."""
    picture = pictures.keep(pictures.draw(upload, box=BOX, lossless=True), at=at)
    _set(program, picture.sha256, by, at)
    return picture


@transaction.atomic
def take_down(*, program: Program, by: Actor, at: datetime) -> None:
    """Its name stands there again; the picture itself stays until somebody deletes it."""
    _set(program, None, by, at)


def of(program: Program) -> Logo | None:
    """For a mail that it is attached to."""
    return _drawn(program.logo_id) if program.logo_id else None


def shown(program: Program) -> Logo | None:
    """For a mail on a page of ours, which has it in its own address."""
    logo = of(program)
    return logo and replace(logo, source=f"data:image/png;base64,{b64encode(logo.content).decode()}")


def attach(message: EmailMultiAlternatives, logo: Logo | None) -> None:
    """Makes it a part that the page names by `cid:`."""
    if logo is None:
        return
    part = MIMEImage(logo.content, "png")
    part.add_header("Content-ID", f"<{logo.content_id}>")
    part.add_header("Content-Disposition", "inline", filename="logo.png")
    message.mixed_subtype = "related"  # type: ignore[attr-defined]  # the stubs do not know it
    message.attach(part)


@lru_cache(maxsize=4)
def _drawn(sha256: str) -> Logo:
    """The name says what the bytes are, so what was drawn once is right for ever."""
    with Image.open(BytesIO(RewardPicture.objects.get(pk=sha256).content)) as image:
        out = BytesIO()
        image.save(out, "PNG", optimize=True)
        scale = min(1, SHOWN[0] / image.width, SHOWN[1] / image.height)
        width, height = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    content_id = f"{sha256[:32]}@logo"
    return Logo(out.getvalue(), content_id, f"cid:{content_id}", width, height)


def _set(program: Program, name: str | None, by: Actor, at: datetime) -> None:
    Program.objects.filter(pk=program.pk).update(logo=name)
    program.logo_id = name
    audit.record(actor=by, action="program.logo", subject="program", data={"picture": name}, at=at)
