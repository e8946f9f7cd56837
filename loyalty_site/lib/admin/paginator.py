"""Page numbers for lists that may have millions of rows."""

import json
from typing import TYPE_CHECKING, Any

from django.core.paginator import Paginator
from django.db import connections
from django.db.models import QuerySet
from django.utils.functional import cached_property

if TYPE_CHECKING:
    Pages = Paginator[Any]
else:
    Pages = Paginator


class EstimatingPaginator(Pages):
    """Counts what is quick to count and takes the planner's word for the rest.

    A whole table above EXACT_ROWS has the number of rows that PostgreSQL's statistics tell. A filtered list is counted
    up to EXACT_MATCHES; from there on it is as long as the planner thinks.
    """

    EXACT_ROWS = 100_000
    EXACT_MATCHES = 10_000

    @cached_property
    def count(self) -> int:
        assert isinstance(self.object_list, QuerySet)
        rows = self.object_list.order_by().values("pk")
        if not rows.query.where:
            estimate = _table_rows(rows)
            return estimate if estimate > self.EXACT_ROWS else rows.count()
        matches = rows[: self.EXACT_MATCHES + 1].count()
        return matches if matches <= self.EXACT_MATCHES else max(matches, _planned_rows(rows))


def _table_rows(rows: QuerySet[Any]) -> int:
    """What the last ANALYZE or VACUUM saw; −1 when there was none yet."""
    with connections[rows.db].cursor() as cursor:
        cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass", [rows.model._meta.db_table])
        return int(cursor.fetchone()[0])


def _planned_rows(rows: QuerySet[Any]) -> int:
    plan = json.loads(rows.explain(format="json"))
    return int(plan[0]["Plan"]["Plan Rows"])
