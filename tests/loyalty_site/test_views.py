from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from loyalty_site import heartbeat, tasks, views


@pytest.fixture(autouse=True)
def _worker_alive():
    heartbeat.note(at=timezone.now())
    yield
    cache.clear()


@pytest.fixture
def unreachable_database(db, settings):
    """A port on which nobody listens."""
    connection.close()
    known = connection.settings_dict.copy()
    connection.settings_dict.update(HOST="127.0.0.1", PORT="1")
    yield
    connection.settings_dict.update(known)


def readyz(client):
    response = client.get("/readyz")
    return response.status_code, response.json()


def test_healthz_answers_without_database_and_redis(client):
    response = client.get("/healthz")

    assert (response.status_code, response.content) == (200, b"ok")
    assert response["Content-Type"] == "text/plain"
    assert "no-store" in response["Cache-Control"]


@pytest.mark.django_db
def test_readyz_is_ok_when_all_is_there(client):
    assert readyz(client) == (200, {"status": "ok", "failing": []})


@pytest.mark.django_db
def test_readyz_is_cheap(client, django_assert_num_queries):
    views.known_migrations()
    with django_assert_num_queries(2):
        readyz(client)


@pytest.mark.django_db
def test_readyz_names_unapplied_migrations(client):
    MigrationRecorder(connection).record_unapplied("surveys", "0001_squashed_0018_case_is_opened_once")

    assert readyz(client) == (503, {"status": "failing", "failing": ["migrations"]})


@pytest.mark.django_db
def test_readyz_works_on_an_empty_database(client):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE django_migrations RENAME TO django_migrations_away")

    assert readyz(client) == (503, {"status": "failing", "failing": ["migrations"]})


@pytest.mark.django_db
@pytest.mark.parametrize("seconds", [121, 3600])
def test_readyz_names_a_worker_not_seen_for_long(client, seconds):
    heartbeat.note(at=timezone.now() - timedelta(seconds=seconds))

    assert readyz(client) == (503, {"status": "failing", "failing": ["worker"]})


@pytest.mark.django_db
def test_readyz_names_a_worker_never_seen(client):
    cache.clear()

    assert readyz(client) == (503, {"status": "failing", "failing": ["worker"]})


@pytest.mark.django_db
def test_note_heartbeat_makes_the_worker_seen(client):
    cache.clear()

    tasks.note_heartbeat(added_later="ignored")

    assert readyz(client)[0] == 200


@pytest.mark.django_db
def test_readyz_names_redis(client, settings):
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}}

    assert readyz(client) == (503, {"status": "failing", "failing": ["redis"]})


def test_readyz_names_the_database(client, unreachable_database):
    assert readyz(client) == (503, {"status": "failing", "failing": ["database"]})


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_take_no_posts(client, path):
    assert client.post(path).status_code == 405
