"""The data's clipped capitals, put as a shop would print them.

`wording.json` holds what no rule can do: whole names, types that say something only beside their category ("Beef,
lean"), and what shortened words stand for.
"""

import json
import re
from pathlib import Path

_TABLES = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
_CUT_OFF = 28  # the data cuts types off at thirty characters


def category(code: str) -> str:
    return _TABLES["categories"].get(code) or _plain(code)


def product(kind: str | None, group: str | None, size: str | None, *, sku: int) -> str:
    """`Cold cereal, 14.5 oz`; the category or the number stands in for a type that the data does not tell."""
    if not kind:
        name = category(group) if group else f"Product {sku}"
    elif kind in _TABLES["vague types"] and group:
        name = f"{category(group)}, {_plain(kind).lower()}"
    else:
        name = _TABLES["types"].get(kind) or _plain(kind)
    return f"{name}, {_size(size)}" if size else name


def _size(text: str) -> str:
    """`1 GA` → `1 gal`."""
    return " ".join(_TABLES["sizes"].get(word, word) for word in text.lower().split())


def _plain(text: str) -> str:
    cut_off = len(text) >= _CUT_OFF
    text = re.sub(r"\(.*", "", text)
    text = re.sub(r"\s*:\s*|\s+-\s*|-\s+|(?<=[A-Z]{4})-(?=[A-Z]{4})", ", ", text)
    text = re.sub(r"\s*&\s*", " & ", text)
    if cut_off:
        text = re.sub(r"[\s,/&-]+[A-Z]?$", "", text)
    words = re.sub(r"[A-Z]+", lambda found: _TABLES["words"].get(found[0], found[0].lower()), text)
    words = " ".join(words.split()).strip(" ,.&/-")
    return words[:1].upper() + words[1:]
