"""Ids as clients send them."""

import re

NOBODY = 0  # no row has it


def parse(text: str) -> int:
    """ "17" → 17; NOBODY for what no id can be."""
    return int(text) if re.fullmatch(r"[1-9][0-9]{0,17}", text) else NOBODY
