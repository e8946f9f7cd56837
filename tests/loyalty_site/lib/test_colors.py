import random

import pytest

from loyalty_site.lib import colors


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#000000", "#ffffff", 21),
        ("#ffffff", "#000000", 21),
        ("#777777", "#ffffff", 4.478),
        ("#767676", "#ffffff", 4.542),
        ("#ff0000", "#ffffff", 3.998),
        ("#0000ff", "#ffffff", 8.592),
        ("#14614f", "#14614f", 1),
    ],
)
def test_contrast_is_that_of_wcag(one, other, ratio):
    """The figures are those of https://webaim.org/resources/contrastchecker/."""
    assert colors.contrast(one, other) == pytest.approx(ratio, abs=0.005)


@pytest.mark.parametrize("text", ["", "#fff", "14614f", "#14614F", "#14614f\n", "red", "#14614g"])
def test_what_is_no_color_is_refused(text):
    with pytest.raises(ValueError):
        colors.palette(text)


def readable_colors(number):
    chance = random.Random(20260520)
    drawn = (f"#{chance.randrange(1 << 24):06x}" for _ in range(number))
    return [color for color in drawn if colors.contrast(color, colors.PAPER) >= colors.READABLE]


def test_every_pair_of_a_palette_can_be_read():
    found = readable_colors(3000)
    assert len(found) > 800
    for color in ["#000000", colors.HOUSE, *found]:
        palette = colors.palette(color)
        light, dark = palette.light, palette.dark
        pairs = [
            (light.brand, colors.PAPER), (light.brand, colors.WHITE), (light.on_brand, light.brand),
            (light.on_brand, light.strong), (light.strong, light.soft), (colors.WHITE, light.start),
            (colors.WHITE, light.end), (dark.brand, colors.NIGHT), (dark.on_brand, dark.brand),
            (dark.on_brand, dark.strong), (dark.strong, dark.soft), (colors.WHITE, dark.start),
            (colors.WHITE, dark.end),
        ]  # fmt: skip
        poor = [pair for pair in pairs if colors.contrast(*pair) < colors.READABLE]
        assert poor == [], color


def test_a_palette_keeps_the_color_itself_and_says_it_in_figures():
    light = colors.palette("#b00020").light
    assert (light.brand, light.rgb) == ("#b00020", "176, 0, 32")
