"""Pictures of rewards, and the logo: what staff bring becomes one small WebP that carries nothing but the picture."""

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO

from django.db import transaction
from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageCms, ImageOps

from customers.domain import audit
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError
from rewards.models import Reward, RewardPicture

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
MEGABYTES_MAX = 10
BYTES_MAX = MEGABYTES_MAX * 1024 * 1024
PIXELS_MAX = 40_000_000
SIDE_MAX = 800
QUALITY = 82


class PictureUnreadable(DomainError):
    code = "picture_unreadable"
    message = _("This is not a picture that can be read. Bring a JPEG, PNG, WebP or GIF.")


class PictureTooLarge(DomainError):
    code = "picture_too_large"
    message = _("This picture is too large: at most %(megabytes)s MB and %(megapixels)s million pixels.")

    def __init__(self) -> None:
        super().__init__(megabytes=MEGABYTES_MAX, megapixels=PIXELS_MAX // 1_000_000)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A WebP and its extent."""

    content: bytes
    width: int
    height: int


@transaction.atomic
def hang(*, reward: Reward, upload: bytes, by: Actor, at: datetime) -> RewardPicture:
    """Gives the reward this picture instead of the one it had. Raises PictureUnreadable, PictureTooLarge."""
    picture = keep(draw(upload), at=at)
    _set(reward, picture.sha256, by, at)
    return picture


@transaction.atomic
def take_down(*, reward: Reward, by: Actor, at: datetime) -> None:
    """Leaves the reward without a picture; the picture itself stays until somebody deletes it."""
    _set(reward, None, by, at)


def keep(drawn: Drawn, *, at: datetime) -> RewardPicture:
    """Under the name of its bytes, once."""
    name = hashlib.sha256(drawn.content).hexdigest()
    picture = RewardPicture(sha256=name, content=drawn.content, width=drawn.width, height=drawn.height, stored_at=at)
    RewardPicture.objects.bulk_create([picture], ignore_conflicts=True)
    return picture


def draw(upload: bytes, *, box: tuple[int, int] = (SIDE_MAX, SIDE_MAX), lossless: bool = False) -> Drawn:
    """Fits into so many pixels, upright, in sRGB, without metadata; of an animation its first frame.

    Raises PictureUnreadable, PictureTooLarge. The extent is looked at before anything is unpacked.
    """
    if len(upload) > BYTES_MAX:
        raise PictureTooLarge
    try:
        with Image.open(BytesIO(upload), formats=FORMATS) as image:
            if image.width * image.height > PIXELS_MAX:
                raise PictureTooLarge
            return _encoded(_small(image, box), lossless)
    except (DomainError, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        raise PictureTooLarge from error
    except Exception as error:  # decoders of damaged pictures raise whatever they stumble over
        raise PictureUnreadable from error


def _small(image: Image.Image, box: tuple[int, int]) -> Image.Image:
    profile = image.info.get("icc_profile")
    image.draft("RGB", (box[0] * 2, box[1] * 2))  # a JPEG of many pixels is unpacked at a fraction of them
    upright = ImageOps.exif_transpose(image)
    colors = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    colors.thumbnail(box, Image.Resampling.LANCZOS)
    return _in_srgb(colors, profile)


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Colors as they were meant, where the profile that says so fits the picture."""
    if profile:
        with suppress(ImageCms.PyCMSError, OSError, ValueError):
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            return (
                ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode=image.mode) or image
            )
    return image


def _encoded(image: Image.Image, lossless: bool) -> Drawn:
    """Pixels alone go over: profile, EXIF and comments are left behind."""
    out = BytesIO()
    image.save(out, "WEBP", quality=QUALITY, lossless=lossless)
    return Drawn(out.getvalue(), image.width, image.height)


def _set(reward: Reward, name: str | None, by: Actor, at: datetime) -> None:
    Reward.objects.filter(pk=reward.pk).update(picture=name)
    reward.picture_id = name
    audit.record(actor=by, action="reward.picture", subject=f"reward:{reward.pk}", data={"picture": name}, at=at)
