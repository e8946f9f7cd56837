"""What machines ask: does the process live, can it serve?"""

from functools import cache

import django.db
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis import RedisError

from loyalty_site import heartbeat


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """The process lives and answers; nothing else is asked."""
    return HttpResponse("ok", content_type="text/plain")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """200, or 503 naming what fails: database, migrations, redis, worker."""
    failing = [*_failing_in_database(), *_failing_behind_redis()]
    status = "failing" if failing else "ok"
    return JsonResponse({"status": status, "failing": failing}, status=503 if failing else 200)


def _failing_in_database() -> list[str]:
    try:
        applied = MigrationRecorder(connection).applied_migrations()
    except django.db.Error:
        return ["database"]
    return [] if known_migrations() <= applied.keys() else ["migrations"]


def _failing_behind_redis() -> list[str]:
    try:
        return [] if heartbeat.is_fresh(at=timezone.now()) else ["worker"]
    except RedisError:
        return ["redis"]


@cache
def known_migrations() -> frozenset[tuple[str, str]]:
    """What this code brings; read once, because it cannot change while the process lives."""
    return frozenset(MigrationLoader(None).graph.nodes)
