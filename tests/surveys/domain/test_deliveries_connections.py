"""The connection to the mail server, renewed, lost, hanging or refused: by a real one's own record."""

import socket
from collections import Counter
from datetime import timedelta

import pytest
from django.core import mail

from loyalty_site.lib import actors, smtp
from rewards.models import Program
from surveys.domain import deliveries
from surveys.models import Delivery, DeliveryState
from tests.plugins.smtp import DROP, HANG
from tests.surveys.domain.told import address, outcome

pytestmark = pytest.mark.django_db
BY = actors.user(1)
SECOND = timedelta(seconds=1)


def test_connection_that_has_had_its_share_is_renewed_and_costs_nobody_a_mail(due, send, mail_server):
    rows = [due() for _ in range(5)]
    mail_server.mails_per_session = 2
    assert send() == 5
    assert {outcome(row)[0] for row in rows} == {DeliveryState.ACCEPTED}
    assert {row.attempts for row in rows} == {1}
    assert mail_server.sessions == 3


def test_goodbye_to_one_mail_again_and_again_holds_nobody_else_up(due, send, mail_server):
    rows = [due() for _ in range(3)]
    mail_server.at_text[address(rows[0])] = "421 4.3.2 Too many messages in this session"
    assert send() == 2
    assert outcome(rows[0])[0] == DeliveryState.DEFERRED
    assert mail_server.sessions == 3


def test_connection_is_renewed_after_so_many_mails(due, send, mail_server, monkeypatch):
    monkeypatch.setattr(smtp, "MAILS_PER_CONNECTION", 2)
    for _ in range(5):
        due()
    assert send() == 5
    assert mail_server.sessions == 3


def test_connection_that_the_server_left_in_silence_is_renewed(due, mail_server, monkeypatch, now):
    monkeypatch.setattr(smtp, "IDLE_SECONDS", 0)
    rows = [due() for _ in range(2)]
    mailer = mail.get_connection()

    def tell(row):
        [claimed] = deliveries.claim(limit=1, at=now)
        return deliveries.transmit(delivery=claimed, mailer=mailer, program=Program(), clock=lambda: now)

    assert tell(rows[0]) == DeliveryState.ACCEPTED
    mailer.connection.sock.shutdown(socket.SHUT_RDWR)
    assert tell(rows[1]) == DeliveryState.ACCEPTED
    mailer.close()
    assert (mail_server.sessions, [row.attempts for row in Delivery.objects.all()]) == (2, [1, 1])


def test_connection_lost_before_the_text_is_tried_again(due, send, mail_server):
    rows = [due() for _ in range(2)]
    mail_server.at_recipient[address(rows[0])] = DROP
    assert send() == 1
    assert outcome(rows[0])[0] == DeliveryState.DEFERRED
    assert mail_server.sessions == 2


def test_connection_lost_after_the_text_is_uncertain_and_never_tried_again(due, send, mail_server, now):
    rows = [due() for _ in range(2)]
    mail_server.at_text[address(rows[0])] = DROP
    assert send() == 1
    assert outcome(rows[0])[0] == DeliveryState.UNCERTAIN
    assert send(at=now + timedelta(days=30)) == 0
    assert Counter(mail_server.recipients) == Counter(address(row) for row in rows)


def test_server_that_hangs_after_the_text_is_uncertain(due, send, mail_server, settings):
    settings.EMAIL_TIMEOUT = 0.3
    rows = [due() for _ in range(2)]
    mail_server.at_text[address(rows[0])] = HANG
    assert send() == 1
    assert [outcome(row)[0] for row in rows] == [DeliveryState.UNCERTAIN, DeliveryState.ACCEPTED]


def test_server_that_hangs_before_the_text_is_tried_again(due, send, mail_server, settings):
    settings.EMAIL_TIMEOUT = 0.3
    row = due()
    mail_server.at_recipient[address(row)] = HANG
    assert send() == 0
    assert outcome(row)[0] == DeliveryState.DEFERRED


def test_server_that_is_away_costs_nobody_an_attempt(due, send, settings, mail_server, now):
    rows = [due() for _ in range(2)]
    settings.EMAIL_PORT = 1
    assert send() == 0
    assert outcome(rows[0]) == (DeliveryState.PENDING, "ConnectionRefusedError: [Errno 111] Connection refused")
    assert outcome(rows[1]) == (DeliveryState.PENDING, "")
    assert [(row.attempts, row.lease_token) for row in rows] == [(0, None)] * 2
    settings.EMAIL_PORT = mail_server.port
    assert send(at=now + deliveries.SERVER_PAUSE - SECOND) == 0
    assert send(at=now + deliveries.SERVER_PAUSE) == 2
