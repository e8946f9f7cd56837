import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.base import ContentFile

from customers.domain.imports.header import HeaderWrong
from customers.models import AuditEvent, ImportState, Purchase, PurchaseImport
from loyalty_site.lib import actors
from rewards.domain import import_jobs, imports
from rewards.domain.import_jobs import ImportDecided
from rewards.models import PointsEntry
from tests.factories.rewards import BaseRuleFactory, ProgramFactory
from tests.import_files import COLUMNS, row, text
from tests.races import at_once

pytestmark = pytest.mark.django_db
ROWS = [row(amount="12.50"), row(receipt_number="R-2", amount="x"), row(receipt_number="R-3", customer="")]


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def bring(now):
    def bring(content=None, **options):
        return import_jobs.bring(
            **{
                "file": ContentFile((text(*ROWS) if content is None else content).encode()),
                "name": "June.csv",
                "encoding": "",
                "delimiter": "",
                "award_points": True,
                "by": actors.user(7),
                "at": now,
            }
            | options
        )

    return bring


@pytest.fixture
def work(now):
    def work(job, at=now):
        import_jobs.work(import_id=job.pk, clock=lambda: at)
        job.refresh_from_db()
        return job

    return work


def files(media):
    return sorted(path.name for path in media.rglob("*") if path.is_file())


def test_bring_queues_the_file_for_a_check(bring, media, now):
    job = bring()

    assert (job.state, job.name, job.uploaded_by, job.uploaded_at) == ("CHECKING", "June.csv", "user:7", now)
    assert import_jobs.due(at=now) == [job.pk]
    assert files(media) == ["June.csv"]
    assert AuditEvent.objects.get().action == "import.brought"


def test_bring_of_a_file_without_the_columns_is_refused_at_once(bring, media):
    with pytest.raises(HeaderWrong):
        bring("a,b\n")

    assert files(media) == []
    assert not PurchaseImport.objects.exists()


def test_check_shows_what_the_import_would_do_and_books_nothing(bring, work, media):
    job = work(bring())

    assert (job.state, job.rows_total, job.heartbeat_at) == ("READY", 3, None)
    assert job.preview == {
        "columns": list(COLUMNS),
        "ignored": [],
        "rows": 3,
        "purchases": 2,
        "customers": 1,
        "duplicates": 0,
        "amount_minor": {"CNY": 2250},
        "rejected": 1,
        "reasons": [["amount", "not_a_number", 1]],
        "first": [[cells[name] for name in COLUMNS] for cells in ROWS],
        "findings": [[3, "amount", "not_a_number", [ROWS[1][name] for name in COLUMNS]]],
    }
    assert Path(job.rejects.path).read_text(encoding="utf-8-sig").startswith("row,column,reason,store")
    assert not Purchase.objects.exists()


def test_check_finds_what_is_known_and_what_cannot_come_back(bring, work, media, now):
    path = media / "first.csv"
    path.write_text(text(row(), row(receipt_number="R-2", amount="1.00")))
    imports.run(path=path, by=actors.SYSTEM, at=now)
    back = row(receipt_number="B-1", purchased_at="2026-05-02", quantity="-1", amount="-4.00")

    job = work(bring(text(row(), row(receipt_number="R-2"), back, back | {"receipt_number": "B-2", "sku": "NONE"})))

    assert job.preview["duplicates"] == 1
    assert (job.preview["purchases"], job.preview["amount_minor"]) == (0, {"CNY": -400})
    assert job.preview["reasons"] == [
        ["quantity", "return_without_purchase", 1],
        ["receipt_number", "told_otherwise", 1],
    ]


def test_confirmed_import_is_booked_and_its_file_removed(bring, work, media, now):
    ProgramFactory()
    BaseRuleFactory()
    job = work(bring())

    import_jobs.confirm(job=job, by=actors.user(8), at=now)
    work(job)

    assert (job.state, job.rows_done, job.rows_total, job.confirmed_at) == ("DONE", 3, 3, now)
    assert (job.result["purchases"], job.result["rejected"], job.result["points_awarded"]) == (2, 1, 12)
    assert set(Purchase.objects.values_list("recorded_by", flat=True)) == {"user:7"}
    assert files(media) == ["June.csv.rejects.csv"]
    assert Path(job.rejects.path).exists()
    assert not job.preview.keys() & {"first", "findings"}
    assert not job.file


def test_confirmed_import_of_facts_only_awards_nothing(bring, work, now):
    ProgramFactory()
    BaseRuleFactory()
    job = work(bring(award_points=False))

    import_jobs.confirm(job=job, by=actors.user(7), at=now)

    assert work(job).result["points_awarded"] == 0
    assert not PointsEntry.objects.exists()


@pytest.mark.parametrize("state", [ImportState.CHECKING, ImportState.RUNNING, ImportState.QUEUED, ImportState.DONE])
def test_confirm_and_discard_are_refused_in_other_states(state, bring, now):
    job = bring()
    PurchaseImport.objects.update(state=state)

    with pytest.raises(ImportDecided):
        import_jobs.confirm(job=job, by=actors.user(7), at=now)
    with pytest.raises(ImportDecided):
        import_jobs.discard(job=job, by=actors.user(7), at=now)
    assert PurchaseImport.objects.get().state == state


def test_discarded_import_goes_with_its_files(bring, work, media, now, django_capture_on_commit_callbacks):
    job = work(bring())

    with django_capture_on_commit_callbacks(execute=True):
        import_jobs.discard(job=job, by=actors.user(7), at=now)

    assert not PurchaseImport.objects.exists()
    assert files(media) == []


def test_work_leaves_an_import_to_the_worker_that_is_at_it(bring, work, now):
    job = bring()
    PurchaseImport.objects.update(state=ImportState.RUNNING, heartbeat_at=now - import_jobs.STALE_AFTER)

    assert import_jobs.due(at=now) == []
    assert work(job).state == ImportState.RUNNING


@pytest.mark.parametrize(("state", "then"), [("CHECKING", "READY"), ("RUNNING", "DONE")])
def test_work_takes_up_what_a_killed_worker_left(state, then, bring, work, now):
    job = bring()
    PurchaseImport.objects.update(state=state, heartbeat_at=now)
    later = now + import_jobs.STALE_AFTER + timedelta(seconds=1)

    assert import_jobs.due(at=later) == [job.pk]
    assert work(job, at=later).state == then


def test_work_of_an_import_that_is_gone_does_nothing(now):
    import_jobs.work(import_id=1, clock=lambda: now)


def test_failed_import_says_so_and_can_be_tried_again(bring, work, media, now):
    job = work(bring())
    import_jobs.confirm(job=job, by=actors.user(7), at=now)
    place = Path(job.file.path)
    place.rename(media / "away")

    work(job)
    assert (job.state, job.error) == ("FAILED", "The file cannot be read: No such file or directory")
    (media / "away").rename(place)
    import_jobs.confirm(job=job, by=actors.user(7), at=now)

    assert (work(job).state, job.error) == ("DONE", "")


def test_unexpected_failure_is_logged_and_told_without_details(bring, work, monkeypatch, caplog):
    monkeypatch.setattr(imports, "preview", lambda **values: 1 / 0)

    job = work(bring())

    assert (job.state, job.error) == ("REFUSED", "Something unexpected happened; the log says what.")
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_do_it_once(bring, now):
    job = bring()
    PurchaseImport.objects.update(state=ImportState.QUEUED)

    at_once(*[lambda: import_jobs.work(import_id=job.pk, clock=lambda: now)] * 2)

    job.refresh_from_db()
    assert (job.state, job.result["purchases"], job.result["duplicates"]) == ("DONE", 2, 0)


@pytest.mark.django_db(transaction=True)
def test_heartbeat_shows_life_and_how_far_it_is(bring, monkeypatch, now):
    seen = []

    def slow(*, progress, **values):
        progress("booking", 1, 2)
        while not (beaten := PurchaseImport.objects.filter(heartbeat_at=later, rows_done__gt=0).first()):
            time.sleep(0.01)
        seen.append(beaten.rows_done)
        raise ImportDecided

    job, later = bring(), now + timedelta(seconds=30)
    PurchaseImport.objects.update(state=ImportState.QUEUED, rows_total=100)
    times = iter([now, *[later] * 1000])
    monkeypatch.setattr(import_jobs, "BEAT_SECONDS", 0.01)
    monkeypatch.setattr(imports, "run", slow)

    import_jobs.work(import_id=job.pk, clock=lambda: next(times))

    assert seen == [75]
