"""Dates as Chinese readers write and read them."""

from datetime import UTC, date, datetime

import pytest
from django import forms
from django.utils import formats, translation


@pytest.fixture(autouse=True)
def chinese():
    with translation.override("zh-hans"):
        yield


@pytest.mark.parametrize("typed", ["2026-09-05", "2026/9/5", "2026年9月5日"])
def test_date_field_takes_what_chinese_readers_type(typed):
    assert forms.DateField().clean(typed) == date(2026, 9, 5)


def test_moment_field_takes_what_chinese_readers_type():
    assert forms.DateTimeField().clean("2026年9月5日 14:45") == datetime(2026, 9, 5, 14, 45, tzinfo=UTC)


def test_date_field_shows_what_a_browser_takes():
    assert forms.DateInput().format_value(date(2026, 9, 5)) == "2026-09-05"


@pytest.mark.parametrize(
    ("name", "text"),
    [("DATE_FORMAT", "2026年9月5日"), ("MONTH_DAY_FORMAT", "9月5日"), ("YEAR_MONTH_FORMAT", "2026年9月")],
)
def test_date_has_no_leading_zero(name, text):
    assert formats.date_format(date(2026, 9, 5), name) == text
