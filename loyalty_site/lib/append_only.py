"""Rows that never change: corrections are new rows."""

import pgtrigger


def refuse_update_and_delete() -> list[pgtrigger.Trigger]:
    """Triggers for `Meta.triggers`: the database itself refuses UPDATE and DELETE, whoever asks."""
    return [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]
