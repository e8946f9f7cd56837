"""What machines may send, and what is refused, for whatever JSON there is."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from customers.models import Purchase
from loyalty_site.lib.api import cursors
from loyalty_site.lib.api.fields import Amount, Currency, Day, Moment, Points, Quantity, Text, Told
from rewards.schemas.told import PurchaseTold
from tests.fuzz import example_settings
from tests.loyalty_site.api.calling import basket


def takes(kind, value):
    class Body(Told):
        field: kind

    return Body(field=value).field


def refuses(kind, value):
    with pytest.raises(ValidationError):
        takes(kind, value)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-23T10:15:00+08:00", datetime(2026, 11, 23, 2, 15, tzinfo=UTC)),
        ("2026-11-23T02:15:00Z", datetime(2026, 11, 23, 2, 15, tzinfo=UTC)),
        ("2026-11-23t02:15:00z", datetime(2026, 11, 23, 2, 15, tzinfo=UTC)),
        ("2026-11-23 02:15:00.5-00:00", datetime(2026, 11, 23, 2, 15, 0, 500_000, tzinfo=UTC)),
        ("2026-11-23T02:15:00.123456789Z", datetime(2026, 11, 23, 2, 15, 0, 123_456, tzinfo=UTC)),
        ("2024-02-29T00:00:00Z", datetime(2024, 2, 29, tzinfo=UTC)),
    ],
)
def test_moment_is_read_with_its_offset(text, moment):
    assert takes(Moment, text) == moment


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-23T10:15:00",
        "2026-11-23",
        "2026-11-23T10:15Z",
        "2026-11-23T24:00:00Z",
        "2026-11-23T10:15:60Z",
        "2026-02-29T10:15:00Z",
        "2026-11-23T10:15:00+0800",
        "2026-11-23T10:15:00+99:00",
        "2026-11-23T10:15:00Z ",
        "２０２６-11-23T10:15:00Z",
        "1999-12-31T23:59:59Z",
        "2101-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "",
        1_800_000_000,
        None,
        {},
    ],
)
def test_moment_refuses_what_is_none(value):
    refuses(Moment, value)


@pytest.mark.parametrize(("text", "quantity"), [("1.250", "1.25"), ("0", "0"), ("999999999.999", "999999999.999")])
def test_quantity_is_read_exactly(text, quantity):
    assert takes(Quantity, text) == Decimal(quantity)


@pytest.mark.parametrize(
    "value",
    ["1.2500", "-1", "+1", ".5", "1.", "1e3", "NaN", "Infinity", "1_0", "１", " 1", "1\n", "1" * 10, 1, 1.5, True],
)
def test_quantity_refuses_what_is_none(value):
    refuses(Quantity, value)


@pytest.mark.parametrize("value", [-1, 10**12 + 1, 2**63, 10**400, 1.0, "1", True, None])
def test_amount_refuses_what_is_none(value):
    refuses(Amount, value)


def test_amounts_and_points_end_where_the_books_do():
    assert (takes(Amount, 0), takes(Amount, 10**12), takes(Points, 1)) == (0, 10**12, 1)
    refuses(Points, 0)


@pytest.mark.parametrize(
    "value",
    ["a\x00b", "a\nb", "a\n", "\x0ca", "\x85a", "\x7f", "\ud800", "a\udfffb", "", "   ", "\t", "x" * 201, 5, None],
)
def test_text_refuses_what_nobody_can_read(value):
    refuses(Text, value)


def test_text_may_be_anything_readable():
    assert takes(Text, "  Łódź 👩‍👩‍👧 龙 \u200f ") == "Łódź 👩‍👩‍👧 龙 \u200f".strip()


@pytest.mark.parametrize("value", ["cny", "CN", "CNYX", "CNY\n", "ＣＮＹ", "", 1])
def test_currency_is_three_capitals(value):
    refuses(Currency, value)


@pytest.mark.parametrize("value", ["1990-02-30", "90-12-31", "1990-12-31T00:00:00Z", "1990-1-1", 19901231])
def test_day_refuses_what_is_none(value):
    refuses(Day, value)


def test_lines_together_stay_within_bounds():
    line = basket()["lines"][0] | {"amount_minor": 10**12}
    with pytest.raises(ValidationError, match="come to more than"):
        PurchaseTold(**basket(lines=[line, line]))


def test_basket_has_a_thousand_lines_at_most():
    with pytest.raises(ValidationError, match="at most 1000 items"):
        PurchaseTold(**basket(lines=basket()["lines"] * 1001))


@given(st.lists(st.integers(1, 10**17), min_size=1, max_size=2))
def test_cursor_comes_back_as_it_went(numbers):
    kind = cursors.Cursor if len(numbers) == 1 else cursors.PairCursor
    read = TypeAdapter(kind).validate_python(cursors.written(*numbers))
    assert read == (numbers[0] if len(numbers) == 1 else tuple(numbers))


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.sampled_from(["\x00", "\ud800", "2026-05-20T10:15:00Z", "CNY", "C7K2-94QX", "1.250"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)
FIELDS = ["receipt_number", "customer", "purchased_at", "currency", "coupons", "points_to_redeem", "lines"]
LINE = ["sku", "name", "category", "quantity", "amount_minor"]


@st.composite
def junk_purchases(draw):
    """A purchase with something else in one or two places."""
    told = basket()
    for name in draw(st.sets(st.sampled_from(LINE), max_size=1)):
        told["lines"][0][name] = draw(JUNK)
    for name in draw(st.sets(st.sampled_from(FIELDS), max_size=1)):
        told[name] = draw(JUNK)
    return told


@pytest.mark.django_db
@example_settings(100)
@given(body=JUNK | junk_purchases())
def test_no_junk_is_an_error_of_ours(till, settings, body):
    settings.TILL_RATE_PER_MINUTE = 10**9
    before = Purchase.objects.count()

    response = till.post("purchases", json.dumps(body))

    assert response.status_code in (201, 400, 404, 409, 422)
    if response.status_code != 201:
        assert response.json()["status"] == response.status_code
        assert Purchase.objects.count() == before
