"""Colors as `#14614f`: whether letters of one can be read on another, and what belongs to the one color of a brand.

Contrast as WCAG 2.2 has it, https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio.
"""

import colorsys
import re
from dataclasses import dataclass
from functools import lru_cache

COLOR = r"^#[0-9a-f]{6}\Z"
READABLE = 4.5
# The darkest ground of a light page that letters in the brand's color stand on, and the palest of a dark one.
PAPER, NIGHT = "#f6f3ed", "#1c2521"
WHITE = "#ffffff"


@dataclass(frozen=True, slots=True)
class Shades:
    """`brand` for letters and buttons, `strong` for letters on `soft`, `on_brand` for letters on `brand`; `start` and
    `end` of the ground below white letters."""

    brand: str
    strong: str
    soft: str
    on_brand: str
    start: str
    end: str

    @property
    def rgb(self) -> str:
        """`20, 97, 79`."""
        return ", ".join(map(str, _channels(self.brand)))


@dataclass(frozen=True, slots=True)
class Palette:
    """Of light and of dark pages and mails."""

    light: Shades
    dark: Shades


# Chosen by eye.
HOUSE = "#14614f"
_HOUSE = Palette(
    light=Shades(HOUSE, "#0d4a3b", "#e1efe9", WHITE, "#17705b", "#0c4638"),
    dark=Shades("#82d2b7", "#a5e3cd", "#20402f", "#06251b", "#1b5a4a", "#123a30"),
)


def contrast(one: str, other: str) -> float:
    """From 1 (the same) to 21 (black and white)."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(color: str) -> float:
    """From 0 (black) to 1 (white)."""
    red, green, blue = (_linear(channel / 255) for channel in _channels(color))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@lru_cache(maxsize=16)
def palette(color: str) -> Palette:
    """For a color that can be read on PAPER; all pairs named above are then READABLE."""
    if color == HOUSE:
        return _HOUSE
    start = _until(color, WHITE, 6, step=-0.01)
    return Palette(
        light=Shades(
            brand=color,
            strong=_until(color, WHITE, 8, step=-0.01),
            soft=_mixed(color, WHITE, 0.12),
            on_brand=WHITE,
            start=start,
            end=_until(start, WHITE, 10, step=-0.01),
        ),
        dark=Shades(
            brand=_until(color, NIGHT, 8, step=0.01),
            strong=_until(color, NIGHT, 10.5, step=0.01),
            soft=_mixed(_until(color, WHITE, 7, step=-0.01), NIGHT, 0.4),
            on_brand="#101512",
            start=_until(color, WHITE, 8, step=-0.01),
            end=_until(color, WHITE, 12, step=-0.01),
        ),
    )


def _channels(color: str) -> tuple[int, int, int]:
    if not re.match(COLOR, color):
        raise ValueError(color)
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)


def _mixed(color: str, ground: str, share: float) -> str:
    pairs = zip(_channels(color), _channels(ground), strict=True)
    return _written(*(share * part + (1 - share) * other for part, other in pairs))


def _until(color: str, ground: str, ratio: float, *, step: float) -> str:
    """The same hue, lighter or darker by `step` until it stands out so much."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*(channel / 255 for channel in _channels(color)))
    while contrast(color, ground) < ratio and 0 < lightness + step < 1:
        lightness += step
        color = _written(*(255 * part for part in colorsys.hls_to_rgb(hue, lightness, saturation)))
    return color


def _written(red: float, green: float, blue: float) -> str:
    return f"#{round(red):02x}{round(green):02x}{round(blue):02x}"
