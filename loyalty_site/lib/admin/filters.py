"""Filters by a state that is computed from dates."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

Text = Any  # lazy or not: the stubs know lazy texts by a name of their own
States = Mapping[str, tuple[Text, Q]]


def state_filter(*, name: str, label: Text, states: Callable[[datetime], States]) -> type[SimpleListFilter]:
    """A filter `?name=key`; `states` tells at a moment each key's words and its rows."""

    class StateFilter(SimpleListFilter):
        title = label
        parameter_name = name

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Text]]:
            return [(key, words) for key, (words, _rows) in states(timezone.now()).items()]

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            chosen = states(timezone.now()).get(self.value() or "")
            return queryset.filter(chosen[1]) if chosen else queryset

    return StateFilter
