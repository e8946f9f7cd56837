"""What strangers wrote, in a file that Excel opens."""

import pytest

from loyalty_site.lib import spreadsheets


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_cell_is_no_formula(sign):
    assert spreadsheets.harmless(f"{sign}1+1") == f"'{sign}1+1"


@pytest.mark.parametrize("cell", ["", "-5", "-1.50", "=".join("ab"), "很好"])
def test_other_cells_stay_as_they_are(cell):
    assert spreadsheets.harmless(cell) == cell


def test_stream_says_that_it_is_utf_8():
    file = spreadsheets.stream(name="x.csv", headings=["a", "b"], lines=[["很好", None]])
    assert b"".join(file.streaming_content) == b"\xef\xbb\xbfa,b\r\n" + "很好,\r\n".encode()
