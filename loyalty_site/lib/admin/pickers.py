"""Boxes that look rows up by their names. Whatever a form was sent in their place, it can be shown again."""

from typing import TYPE_CHECKING, Any

from django.contrib.admin.widgets import AutocompleteSelect, AutocompleteSelectMultiple

if TYPE_CHECKING:
    _Box = AutocompleteSelect
else:
    _Box = object

_LARGEST = 2**63 - 1


class _ForgivingBox(_Box):
    """The field refuses what is no id; Django's own box would ask the database for it nevertheless."""

    def optgroups(self, name: str, value: Any, attr: Any = None) -> Any:
        return super().optgroups(name, [one for one in value if _may_be_id(str(one))], attr)


class PickOne(_ForgivingBox, AutocompleteSelect):
    pass


class PickSeveral(_ForgivingBox, AutocompleteSelectMultiple):
    pass


def _may_be_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 20 and int(text) <= _LARGEST
