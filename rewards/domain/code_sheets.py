"""Sheets of codes to print and cut: A4, three times eight, each with its QR code, the offer and its last day in every
language.

Chinese is set in STSong-Light, one of the fonts that PDF knows by name for it: the file stays small, and the program
that shows or prints it brings the glyphs.
"""

from collections.abc import Sequence
from datetime import timedelta
from io import BytesIO
from typing import Any

import segno
from django.conf import settings
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from loyalty_site.lib.texts import localized
from rewards.domain.code_files import CODES_A_SHEET
from rewards.models import CodeBatch, Coupon

ACROSS, DOWN = 3, 8
_LATIN, _CHINESE = "Helvetica", "STSong-Light"
_WIDTH, _HEIGHT = A4[0] / ACROSS, A4[1] / DOWN
_MARGIN = 4 * mm
_QR = 22 * mm
_MOST, _LEAST = 10, 5.5  # points of type


def pdf(*, batch: CodeBatch, sheet: int) -> bytes:
    """The codes of one sheet, counted from 1, in the programme's time zone."""
    pdfmetrics.registerFont(UnicodeCIDFont(_CHINESE))
    first = (sheet - 1) * CODES_A_SHEET
    coupons = list(batch.coupons.select_related("offer").order_by("pk")[first : first + CODES_A_SHEET])
    file = BytesIO()
    canvas = Canvas(file, pagesize=A4)
    canvas.setTitle(str(batch))
    for place, coupon in enumerate(coupons):
        on_page = place % (ACROSS * DOWN)
        if place and not on_page:
            canvas.showPage()
        row, column = divmod(on_page, ACROSS)
        _draw(canvas, batch, coupon, column * _WIDTH, A4[1] - (row + 1) * _HEIGHT)
    canvas.save()
    return file.getvalue()


def _draw(canvas: Any, batch: CodeBatch, coupon: Coupon, left: float, bottom: float) -> None:
    canvas.setStrokeGray(0.75)
    canvas.setLineWidth(0.3)
    canvas.rect(left, bottom, _WIDTH, _HEIGHT)
    _draw_qr(canvas, coupon.code, left + _MARGIN / 2, bottom + _HEIGHT - _QR - _MARGIN / 2)
    beside = left + _QR + _MARGIN
    height = bottom + _HEIGHT - _MARGIN - _MOST
    for text in _words(coupon):
        _draw_text(canvas, text, beside, height, left + _WIDTH - _MARGIN / 2 - beside)
        height -= _MOST + 3
    _draw_text(canvas, batch.shown(coupon.code), left + _MARGIN, bottom + _MARGIN, _WIDTH - 2 * _MARGIN, bold=True)


def _words(coupon: Coupon) -> Sequence[str]:
    """The offer, then the last day, each in all languages."""
    titles, days = [], []
    for language, _name in settings.LANGUAGES:
        titles.append(localized(coupon.offer.title, language))
        if coupon.expires_at:
            last = (coupon.expires_at - timedelta(microseconds=1)).astimezone(timezone.get_current_timezone())
            with translation.override(language):
                days.append(_("Good until %s") % date_format(last, "DATE_FORMAT"))
    return [*dict.fromkeys(titles), *dict.fromkeys(days)]


def _draw_text(canvas: Any, text: str, x: float, y: float, width: float, *, bold: bool = False) -> None:
    """Smaller until it fits, then cut."""
    font = _font(text, bold=bold)
    text = text if font != _CHINESE else "".join(sign if ord(sign) < 0x10000 else "□" for sign in text)
    size: float = _MOST
    while size > _LEAST and pdfmetrics.stringWidth(text, font, size) > width:
        size -= 0.5
    while len(text) > 1 and pdfmetrics.stringWidth(text, font, size) > width:
        text = f"{text[:-2]}…"
    canvas.setFont(font, size)
    canvas.drawString(x, y, text)


def _font(text: str, *, bold: bool) -> str:
    try:
        text.encode("cp1252")
    except UnicodeEncodeError:
        return _CHINESE
    return f"{_LATIN}-Bold" if bold else _LATIN


def _draw_qr(canvas: Any, text: str, left: float, bottom: float) -> None:
    matrix = [bytes(row) for row in segno.make(text, micro=False, error="m").matrix_iter(border=2)]
    size = _QR / len(matrix)
    path = canvas.beginPath()
    for number, row in enumerate(matrix):
        y = bottom + _QR - (number + 1) * size
        start = None
        for column, dark in enumerate([*row, 0]):
            if dark and start is None:
                start = column
            elif not dark and start is not None:
                path.rect(left + start * size, y, (column - start) * size, size)
                start = None
    canvas.setFillGray(0)
    canvas.drawPath(path, stroke=0, fill=1)
