"""From the file on the desk to the result, as the owner clicks."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from customers.domain.imports.header import REQUIRED
from customers.models import ImportState, Purchase, PurchaseImport
from rewards import tasks
from tests.factories.customers import UserFactory
from tests.import_files import row, text

pytestmark = pytest.mark.django_db
ROWS = [row(amount="12.50"), row(receipt_number="R-2", amount="x"), row(receipt_number="R-3", customer="")]
LIST = "/admin/customers/purchaseimport/"


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def owner(client):
    client.force_login(UserFactory(is_superuser=True, password=None, email="owner@example.org"))
    return client


@pytest.fixture
def woken(monkeypatch, django_capture_on_commit_callbacks):
    """Calls what a page asks of the worker after its answer; ids of the imports that the worker was woken for."""
    ids = []
    monkeypatch.setattr(tasks.run_import, "delay", ids.append)

    def call(page):
        with django_capture_on_commit_callbacks(execute=True):
            return page()

    call.ids = ids
    return call


def upload(content=None, **options):
    content = text(*ROWS) if content is None else content
    return {"file": SimpleUploadedFile("June.csv", content.encode()), "award_points": "on", **options}


def page(name, job):
    return reverse(f"admin:customers_purchaseimport_{name}", args=[job.pk])


@pytest.fixture
def checked(owner, woken):
    woken(lambda: owner.post(f"{LIST}upload/", upload()))
    tasks.run_import()
    return PurchaseImport.objects.get()


def test_upload_page_names_the_columns(owner):
    content = owner.get(f"{LIST}upload/").content.decode()

    assert ", ".join(REQUIRED) in content
    assert f"{LIST}upload" in owner.get(LIST).content.decode()


def test_upload_wakes_a_worker_and_leads_to_the_import(owner, woken):
    answer = woken(lambda: owner.post(f"{LIST}upload/", upload(encoding="gb18030", delimiter=",", award_points="")))

    job = PurchaseImport.objects.get()
    assert answer.url == page("change", job)
    assert woken.ids == [job.pk]
    assert (job.name, job.encoding, job.delimiter, job.award_points) == ("June.csv", "gb18030", ",", False)
    shown = owner.get(answer.url)
    assert shown["Refresh"] == "3"
    assert "being looked through" in shown.content.decode()


def test_upload_of_a_wrong_file_says_what_is_wrong_beside_it(owner):
    answer = owner.post(f"{LIST}upload/", upload("a,b\n1,2\n"))

    assert "Columns missing: store, receipt_number" in answer.context["form"].errors["file"][0]
    assert not PurchaseImport.objects.exists()


def test_upload_of_a_file_beyond_measure_is_refused(owner, monkeypatch):
    monkeypatch.setattr("rewards.admin.purchase_import.MEGABYTES", 0)

    answer = owner.post(f"{LIST}upload/", upload())

    assert "import_purchases" in answer.context["form"].errors["file"][0]


def test_preview_shows_first_rows_and_findings(owner, checked):
    answer = owner.get(page("change", checked))

    content = answer.content.decode()
    assert "Refresh" not in answer
    assert answer.context["findings"] == [
        (3, "amount", answer.context["reasons"][0][1], [ROWS[1][c] for c in REQUIRED])
    ]
    assert "This is no plain number such as 12.50" in content
    assert "¥22.50" in content
    assert content.count("<td>MILK</td>") == 4


def test_rejects_are_downloaded(owner, checked):
    answer = owner.get(page("rejects", checked))

    assert answer["Content-Disposition"] == 'attachment; filename="June.csv.rejects.csv"'
    assert b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()[1].startswith("3,amount,")


def test_rejects_of_an_import_without_any_are_not_found(owner, checked):
    PurchaseImport.objects.update(rejects="")

    assert owner.get(page("rejects", checked)).status_code == 404


def test_confirmed_import_is_booked_by_the_worker_and_shown(owner, checked, woken):
    woken.ids.clear()

    answer = woken(lambda: owner.post(page("confirm", checked)))
    assert (answer.url, woken.ids) == (page("change", checked), [checked.pk])
    assert "waits for a worker" in owner.get(answer.url).content.decode()
    tasks.run_import(checked.pk)

    content = owner.get(answer.url).content.decode()
    assert "What was booked" in content
    assert "owner@example.org" in content
    assert Purchase.objects.count() == 2


def test_confirmed_twice_is_refused_kindly(owner, checked, woken):
    woken(lambda: owner.post(page("confirm", checked)))

    answer = owner.post(page("confirm", checked))

    assert "This import is under way or done" in answer.content.decode()


def test_running_import_shows_how_far_it_is(owner, checked):
    PurchaseImport.objects.update(state=ImportState.RUNNING, rows_done=1, rows_total=3)

    content = owner.get(page("change", checked)).content.decode()

    assert "About 1 of 3 rows are done" in content
    assert 'value="33"' in content


def test_discarded_import_is_gone(owner, checked):
    assert "Nothing of it was booked" in owner.get(page("discard", checked)).content.decode()

    answer = owner.post(page("discard", checked))

    assert answer.url == LIST
    assert not PurchaseImport.objects.exists()


@pytest.mark.parametrize("name", ["change", "confirm", "discard", "rejects"])
def test_staff_without_the_right_are_refused(name, checked, client):
    client.force_login(UserFactory(password=None))

    assert client.get(page(name, checked)).status_code == 403
    assert client.post(page(name, checked)).status_code == 403
    assert client.get(f"{LIST}upload/").status_code == 403
