"""Many codes at once, as arrays. Needs numpy: imported where codes are made, never by web processes at their start."""

import os

import numpy as np
from numpy.typing import NDArray

from loyalty_site.lib import codes

Bytes = NDArray[np.uint8]

_SYMBOLS = len(codes.ALPHABET)
_FAIR = 256 - 256 % _SYMBOLS  # a byte below it stands for each symbol equally often; the others are drawn again
_ALPHABET = np.frombuffer(codes.ALPHABET.encode(), dtype=np.uint8)
_DIGITS = ord("0")


def draw(*, count: int, body_length: int) -> Bytes:
    """`count` different bodies as `codes.generate` makes them, one a row of `body_length` bytes, in order.

    From the system's random numbers, each symbol as likely as the others; a body that was drawn twice is drawn again.
    """
    drawn = _bodies(count, body_length)
    while True:
        distinct = np.unique(_words(drawn))
        if len(distinct) >= count:
            return _rows(distinct, body_length)
        drawn = np.concatenate([_rows(distinct, body_length), _bodies(count - len(distinct), body_length)])


def replaced(drawn: Bytes, taken: list[bytes]) -> Bytes:
    """As many different bodies, those that are `taken` drawn again."""
    width = drawn.shape[1]
    known = np.array(taken, dtype=f"S{width}")
    rest = np.setdiff1d(_words(drawn), known)
    while len(rest) < len(drawn):
        more = _words(_bodies(len(drawn) - len(rest), width))
        rest = np.union1d(rest, np.setdiff1d(more, known))
    return _rows(rest, width)


def texts(drawn: Bytes) -> list[str]:
    return [body.decode() for body in _words(drawn).tolist()]


def numbered_lines(drawn: Bytes, *, before: str, between: str, first: int, width: int, after: str) -> bytes:
    """A line of text for each body: before, body, between, a number of `width` digits counted from `first`, after."""
    parts = [_constant(before), drawn, _constant(between), _numbers(first, len(drawn), width), _constant(after)]
    lines = np.empty((len(drawn), sum(part.shape[1] for part in parts)), dtype=np.uint8)
    column = 0
    for part in parts:
        lines[:, column : column + part.shape[1]] = part
        column += part.shape[1]
    return lines.tobytes()


def _bodies(count: int, body_length: int) -> Bytes:
    values = _values(count * (body_length - 1)).reshape(count, body_length - 1)
    weights = np.arange(1, body_length, dtype=np.int64)
    last = -(values @ weights) * pow(body_length, -1, _SYMBOLS) % _SYMBOLS
    return _ALPHABET[np.column_stack([values, last])]


def _values(number: int) -> NDArray[np.int64]:
    """Symbols' values, each as likely as the others."""
    found = np.empty(0, dtype=np.uint8)
    while len(found) < number:
        random = np.frombuffer(os.urandom((number - len(found)) * 17 // 16 + 16), dtype=np.uint8)
        found = np.concatenate([found, random[random < _FAIR]])
    return (found[:number] % _SYMBOLS).astype(np.int64)


def _words(rows: Bytes) -> NDArray[np.bytes_]:
    return np.ascontiguousarray(rows).view(f"S{rows.shape[1]}").ravel()


def _rows(words: NDArray[np.bytes_], width: int) -> Bytes:
    return np.ascontiguousarray(words).view(np.uint8).reshape(-1, width)


def _constant(text: str) -> Bytes:
    return np.frombuffer(text.encode(), dtype=np.uint8).reshape(1, -1)


def _numbers(first: int, count: int, width: int) -> Bytes:
    numbers = np.arange(first, first + count, dtype=np.int64)
    powers = 10 ** np.arange(width - 1, -1, -1, dtype=np.int64)
    return (numbers[:, None] // powers % 10 + _DIGITS).astype(np.uint8)
