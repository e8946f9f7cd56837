"""Points of a basket."""

from dataclasses import replace
from datetime import datetime, time
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewards.domain import earning
from rewards.domain.earning import Basket, Cap, Line, Multiplier, Rate, Rules
from rewards.domain.windows import Window

BASE = Rate("base", 1, "Base", points=1, per_minor=100)
FRUIT, TOBACCO = 10, 20
DOUBLE_FRUIT = Multiplier("fruit", 3, "Fruit week", milli=2000, category=FRUIT)
NO_TOBACCO = Multiplier("tobacco", 1, "Tobacco", milli=0, category=TOBACCO)


def basket(*lines, points_value_minor=0, currency="CNY", store=1, **kwargs):
    lines = [line if isinstance(line, Line) else Line(line) for line in lines]
    return Basket(store, currency, lines, points_value_minor, **kwargs)


def points(*lines, rates=(BASE,), multipliers=(), caps=(), earns_on_tax=True, **kwargs):
    rules = Rules("CNY", rates, multipliers, caps, earns_on_tax)
    return earning.points_for(basket=basket(*lines, **kwargs), rules=rules)


@pytest.mark.parametrize(
    ("amounts", "expected"),
    [([4250], 42), ([99, 99, 2], 2), ([50] * 7, 3), ([100], 1), ([1] * 99 + [1], 1), ([10**12], 10**10)],
)
def test_points_are_rounded_down_once_on_the_whole_basket(amounts, expected):
    assert points(*amounts).points == expected


def test_discounts_and_points_paid_earn_nothing():
    assert points(Line(1000, discount_minor=200), 200).points == 10
    assert points(1000, 200, points_value_minor=350).points == 8


def test_paid_part_is_shared_by_the_lines_in_proportion():
    """Of 20.00, 5.00 is paid with points: a quarter of the doubled line too."""
    found = points(Line(1000, category=FRUIT), 1000, points_value_minor=500, multipliers=[DOUBLE_FRUIT])
    assert found.points == 22
    assert found.breakdown["rounded_down"] == "0.500"


def test_breakdown_says_all_that_a_return_needs():
    lines = [
        Line(1250, 50, product=1, category=FRUIT),
        Line(300, category=TOBACCO),
        Line(999),
        Line(75, category=FRUIT),
    ]
    found = points(*lines, multipliers=[NO_TOBACCO, DOUBLE_FRUIT])
    assert found == earning.Earned(
        35,
        {
            "currency": "CNY",
            "net_minor": 2574,
            "paid_minor": 2574,
            "rate": {"code": "base", "version": 1, "name": "Base", "points": 1, "per_minor": 100},
            "multipliers": [
                {
                    "code": "fruit",
                    "version": 3,
                    "name": "Fruit week",
                    "multiplier": "2",
                    "lines": [1, 4],
                    "net_minor": 1275,
                },
                {"code": "tobacco", "version": 1, "name": "Tobacco", "multiplier": "0", "lines": [2], "net_minor": 300},
            ],
            "rounded_down": "0.490",
        },
    )


@pytest.mark.parametrize(("milli", "text"), [(1500, "1.5"), (2000, "2"), (10000, "10"), (1, "0.001"), (1250, "1.25")])
def test_breakdown_writes_multipliers_without_needless_digits(milli, text):
    (note,) = points(100_000, multipliers=[Multiplier("m", 1, "M", milli=milli)]).breakdown["multipliers"]
    assert note["multiplier"] == text


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (points(1000, currency="EUR"), "other_currency"),
        (points(1000, rates=()), "no_rate"),
        (points(1000, points_value_minor=1000), "nothing_paid"),
        (points(Line(1000, discount_minor=1000)), "nothing_paid"),
        (points(), "nothing_paid"),
        (points(0, 0), "nothing_paid"),
        (points(99), "too_little"),
        (points(Line(1000, category=TOBACCO), multipliers=[NO_TOBACCO]), "left_out"),
    ],
)
def test_no_points_come_with_a_reason(found, reason):
    assert found == earning.Earned(0, None, reason)


def test_rate_that_gives_most_counts():
    poor, rich, same = Rate("a", 1, "A", 1, 100), Rate("c", 1, "C", 3, 200), Rate("b", 1, "B", 6, 400)
    assert earning.best_rate([poor, rich, same]) == same
    assert points(1000, rates=[poor, rich]).points == 15


@pytest.mark.parametrize(
    ("millis", "expected"), [([2000, 3000], 3000), ([500, 2000], 2000), ([0, 3000], 0), ([500], 500), ([], None)]
)
def test_of_several_multipliers_the_highest_counts_and_zero_beats_all(millis, expected):
    several = [Multiplier(f"m{milli}", 1, "", milli) for milli in millis]
    best = earning.best_multiplier(Line(1), basket(1), several)
    assert (best.milli if best else None) == expected


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        ({}, True),
        ({"category": 10}, True),
        ({"category": 11}, False),
        ({"product": 5}, True),
        ({"product": 6}, False),
        ({"store": 1}, True),
        ({"store": 2}, False),
        ({"category": 10, "product": 5, "store": 1}, True),
        ({"category": 10, "product": 5, "store": 2}, False),
        ({"tier": 3}, True),
        ({"tier": 4}, False),
        ({"window": Window(frozenset({5}))}, True),
        ({"window": Window(frozenset({6}))}, False),
        ({"tier": 3, "window": Window(frozenset({6}))}, False),
    ],
)
def test_multiplier_fits_when_all_it_names_fits(wanted, fits):
    multiplier = Multiplier("m", 1, "M", 2000, **wanted)
    bought = basket(100, tier=3, local_at=datetime(2026, 5, 1, 18, 30))  # a Friday
    assert multiplier.fits(Line(100, product=5, category=10), bought) is fits


def test_multiplier_for_a_tier_or_a_time_does_not_fit_where_neither_is_known():
    assert not Multiplier("m", 1, "M", 2000, tier=3).fits(Line(100), basket(100))
    assert not Multiplier("m", 1, "M", 2000, window=Window(frozenset({1}))).fits(Line(100), basket(100))


FRIDAY = frozenset({5})


@pytest.mark.parametrize(
    ("window", "day", "clock", "covered"),
    [
        (Window(FRIDAY), 1, "00:00", True),
        (Window(FRIDAY), 1, "23:59", True),
        (Window(FRIDAY), 2, "00:00", False),
        (Window(start=time(8), end=time(10)), 2, "08:00", True),
        (Window(start=time(8), end=time(10)), 2, "07:59", False),
        (Window(start=time(8), end=time(10)), 2, "10:00", False),
        (Window(start=time(22), end=time(2)), 2, "22:00", True),
        (Window(start=time(22), end=time(2)), 2, "01:59", True),
        (Window(start=time(22), end=time(2)), 2, "02:00", False),
        (Window(start=time(22), end=time(2)), 2, "21:59", False),
        (Window(FRIDAY, time(22), time(2)), 1, "22:00", True),
        (Window(FRIDAY, time(22), time(2)), 2, "01:59", True),
        (Window(FRIDAY, time(22), time(2)), 1, "01:59", False),
        (Window(FRIDAY, time(22), time(2)), 2, "22:00", False),
        (Window(FRIDAY, time(18), time(0)), 1, "23:59", True),
        (Window(FRIDAY, time(18), time(0)), 2, "00:00", False),
    ],
)
def test_window_covers_its_hours_on_its_weekdays_and_the_night_that_begins_on_them(window, day, clock, covered):
    """1 May 2026 is a Friday."""
    hour, minute = map(int, clock.split(":"))
    assert window.covers(datetime(2026, 5, day, hour, minute)) is covered


def test_gift_cards_earn_nothing_in_proportion_like_points():
    """Of 20.00, 5.00 is paid with points and 5.00 with a gift card: half of the doubled line too."""
    found = points(
        Line(1000, category=FRUIT), 1000, points_value_minor=500, gift_card_minor=500, multipliers=[DOUBLE_FRUIT]
    )
    assert (found.points, found.breakdown["paid_minor"], found.breakdown["gift_card_minor"]) == (15, 1000, 500)
    assert points(1000, gift_card_minor=1000) == earning.Earned(0, None, "nothing_paid")


def test_tax_earns_nothing_where_the_programme_says_so():
    """11.00 contain 1.00 of tax; of 5.50 after a coupon, 0.50 is tax. What is doubled is doubled without its tax."""
    bought = [Line(1100, tax_minor=100), Line(1100, 550, category=FRUIT, tax_minor=100)]
    with_tax = points(*bought, multipliers=[DOUBLE_FRUIT])
    without = points(*bought, multipliers=[DOUBLE_FRUIT], earns_on_tax=False)
    assert (with_tax.points, without.points) == (22, 20)
    assert "tax_minor" not in with_tax.breakdown
    assert without.breakdown["tax_minor"] == 150
    assert without.breakdown["multipliers"][0]["net_minor"] == 500
    assert "tax_minor" not in points(1100, earns_on_tax=False).breakdown


def cap(limit, period="DAY", before=0, code="cap"):
    return Cap(code, 2, code.title(), limit, period, before)


def test_cap_leaves_what_is_not_filled_yet_and_says_what_it_cut_off():
    found = points(10_000, caps=[cap(120, before=70)])
    assert found.points == 50
    assert found.breakdown["caps"] == [
        {"code": "cap", "version": 2, "name": "Cap", "limit": 120, "period": "DAY", "before": 70, "cut": 50}
    ]


@pytest.mark.parametrize("caps", [[cap(100)], [cap(120, before=20)], []])
def test_cap_that_cuts_nothing_is_not_told(caps):
    assert "caps" not in points(10_000, caps=caps).breakdown


@pytest.mark.parametrize("before", [100, 130])
def test_cap_that_is_full_leaves_nothing(before):
    """More than the limit was earned where the limit was lowered since."""
    assert points(10_000, caps=[cap(100, before=before)]) == earning.Earned(0, None, "capped")


def test_of_several_caps_the_tightest_holds():
    found = points(10_000, caps=[cap(60, "PURCHASE", code="b"), cap(500, "YEAR", 470, "c"), cap(80, code="a")])
    assert found.points == 30
    assert [(one["code"], one["cut"]) for one in found.breakdown["caps"]] == [("a", 20), ("b", 20), ("c", 30)]


def test_return_first_gives_up_what_a_cap_had_cut_off():
    """Of 100 points 60 were given: what is left of the goods is worth 70, then 50, then nothing."""
    bought = [Line(10_000)]
    found = points(*bought, caps=[cap(60, before=0)])
    left = [
        earning.points_left(breakdown=found.breakdown, lines=bought, returned={1: back})
        for back in (0, 3000, 5000, 10_000)
    ]
    assert left == [60, 60, 50, 0]


amounts = st.integers(0, 10**7)
lines = st.lists(
    st.builds(
        lambda amount, share, category: Line(amount, amount * share // 10, category=category),
        amounts,
        st.integers(0, 10),
        st.sampled_from([None, FRUIT, TOBACCO]),
    ),
    min_size=1,
    max_size=12,
)


@given(lines=lines, part=st.integers(0, 10), per_minor=st.integers(1, 997), milli=st.integers(1, 5000))
def test_points_equal_the_exact_fraction_rounded_down(lines, part, per_minor, milli):
    rate, double = Rate("base", 1, "Base", 3, per_minor), Multiplier("fruit", 1, "Fruit", milli, category=FRUIT)
    net = sum(line.net_minor for line in lines)
    value = net * part // 10
    found = points(*lines, rates=[rate], multipliers=[double, NO_TOBACCO], points_value_minor=value)
    factor = {None: Fraction(1), FRUIT: Fraction(milli, 1000), TOBACCO: Fraction(0)}
    exact = Fraction(0)
    if net:
        weighted = sum(line.net_minor * factor[line.category] for line in lines)
        exact = weighted * Fraction(net - value, net) * Fraction(3, per_minor)
    assert found.points == exact.numerator // exact.denominator
    if found.breakdown:
        assert Fraction(found.breakdown["rounded_down"]) <= exact - found.points < 1


@given(lines=lines, order=st.randoms(use_true_random=False))
def test_order_of_lines_is_irrelevant(lines, order):
    shuffled = list(lines)
    order.shuffle(shuffled)
    rules = [DOUBLE_FRUIT, NO_TOBACCO]
    assert points(*shuffled, multipliers=rules).points == points(*lines, multipliers=rules).points


def test_what_comes_back_takes_the_points_that_the_rest_would_not_have_earned():
    """Of 12.50 doubled, 3.00 left out and 9.99: a line of 3 comes back piece by piece, then everything."""
    bought = [Line(1250, 50, category=FRUIT), Line(300, category=TOBACCO), Line(999)]
    found = points(*bought, points_value_minor=250, multipliers=[NO_TOBACCO, DOUBLE_FRUIT])
    assert found.points == 30
    steps = [{}, {3: 333}, {3: 666}, {3: 999}, {3: 999, 2: 300}, {1: 625, 2: 300, 3: 999}, {1: 1250, 2: 300, 3: 999}]
    left = [earning.points_left(breakdown=found.breakdown, lines=bought, returned=step) for step in steps]
    assert left == [30, 27, 24, 21, 21, 10, 0]


def test_a_line_that_cost_nothing_can_come_back():
    bought = [Line(1000), Line(0), Line(500, 500)]
    found = points(*bought)
    left = [earning.points_left(breakdown=found.breakdown, lines=bought, returned=step) for step in ({2: 0}, {3: 500})]
    assert left == [10, 10]


@given(
    lines=lines,
    part=st.integers(0, 9),
    gift=st.integers(0, 5),
    tax=st.sampled_from([None, 0, 7, 19]),
    limit=st.none() | st.integers(1, 10**6),
    cuts=st.lists(st.integers(0, 10), min_size=12, max_size=12),
)
def test_returns_never_take_more_than_was_earned_and_all_of_it_in_the_end(lines, part, gift, tax, limit, cuts):
    lines = [replace(line, tax_minor=line.amount_minor * (tax or 0) // (100 + (tax or 0))) for line in lines]
    net = sum(line.net_minor for line in lines)
    value = net * part // 10
    found = points(
        *lines,
        multipliers=[DOUBLE_FRUIT, NO_TOBACCO],
        points_value_minor=value,
        gift_card_minor=(net - value) * gift // 10,
        earns_on_tax=tax is None,
        caps=[] if limit is None else [cap(limit)],
    )
    if not found.breakdown:
        return
    returned = {n: line.amount_minor * cut // 10 for n, (line, cut) in enumerate(zip(lines, cuts, strict=False), 1)}
    whole = {n: line.amount_minor for n, line in enumerate(lines, 1)}
    left = [
        earning.points_left(breakdown=found.breakdown, lines=lines, returned=step) for step in ({}, returned, whole)
    ]
    assert left == sorted(left, reverse=True)
    assert (left[0], left[2]) == (found.points, 0)
