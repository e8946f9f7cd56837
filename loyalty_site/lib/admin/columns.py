"""Columns of lists."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from django.utils.functional import Promise

Column = Callable[[Any, Any], tuple[str, str]]


def badge(title: str | Promise, colors: Mapping[str, str]) -> Callable[[Column], Column]:
    """A column of colored words. The method returns (key, word); a key's color is info, success, warning or danger;
    without one it is grey."""

    def decorate(column: Column) -> Column:
        column.short_description = title  # type: ignore[attr-defined]
        column.label = defaultdict(str, colors)  # type: ignore[attr-defined]
        return column

    return decorate
