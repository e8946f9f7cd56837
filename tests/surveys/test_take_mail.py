"""The command that a mail server pipes mails into."""

import io
import sys
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from customers.models import SuppressedAddress
from loyalty_site.lib import message_ids
from surveys.domain import case_mails, case_replies
from surveys.management.commands import take_mail
from surveys.models import Case
from tests.factories.customers import CustomerFactory
from tests.factories.surveys import CaseFactory
from tests.surveys import bounce_letters, letters

pytestmark = pytest.mark.django_db


@pytest.fixture
def pipe(monkeypatch, settings):
    settings.CASE_ADDRESS = "care@shop.example"

    def take(raw, *arguments):
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(raw)))
        out = io.StringIO()
        call_command("take_mail", *arguments, stdout=out)
        return out.getvalue().strip()

    return take


def test_answer_is_kept(pipe):
    case = CaseFactory(customer=CustomerFactory(email="mei@example.org"))
    recipient = case_mails.reply_address(case)
    assert pipe(letters.letter(), "--recipient", recipient) == f"KEPT case {case.pk}"
    assert pipe(letters.letter(), "--recipient", recipient) == "KNOWN"


def test_new_one_opens_a_case(pipe):
    assert pipe(letters.letter()) == f"OPENED case {Case.objects.get().pk}"


def test_machine_is_dropped_without_complaint(pipe):
    assert pipe(letters.letter(Precedence="bulk")) == "DROPPED"


@pytest.mark.parametrize(
    ("raw", "said"), [(b"", "no mail"), (b" \r\n", "no mail"), (b"x" * (10 << 20) + b"x", "10 MB")]
)
def test_what_is_no_mail_or_too_large_is_refused(pipe, raw, said):
    with pytest.raises(CommandError, match=said) as refused:
        pipe(raw)
    assert refused.value.returncode == 1


def test_mail_is_kept_by_the_server_while_the_database_is_away(pipe, monkeypatch):
    def away(**kwargs):
        raise OperationalError

    monkeypatch.setattr(case_replies, "take", away)
    with pytest.raises(CommandError) as refused:
        pipe(letters.letter())
    assert refused.value.returncode == 75


def test_flood_is_refused(pipe, monkeypatch):
    monkeypatch.setattr(case_replies, "CASES_PER_DAY", 0)
    with pytest.raises(CommandError, match="too often"):
        pipe(letters.letter())


def test_mail_that_is_made_to_be_slow_is_refused_in_time(pipe, monkeypatch):
    monkeypatch.setattr(take_mail, "SECONDS_MAX", 0.2)
    slow = letters.letter(Content_Type="text/plain; " + "a=b; " * 100_000)
    with pytest.raises(CommandError, match="in time") as refused:
        pipe(slow)
    assert (refused.value.returncode, Case.objects.exists()) == (1, False)
    assert pipe(letters.letter()).startswith("OPENED")


def test_bounce_is_told_from_an_answer(pipe):
    name = message_ids.message_id(reference="points-notice-17", address="mei@example.org")
    assert pipe(bounce_letters.postfix(name)) == "BOUNCED"
    assert pipe(bounce_letters.complaint(name)) == "COMPLAINED"
    assert pipe(bounce_letters.postfix("<points-notice-17@shop.example>")) == "DROPPED"
    assert SuppressedAddress.objects.get(lifted_at=None).reason == "COMPLAINT"
