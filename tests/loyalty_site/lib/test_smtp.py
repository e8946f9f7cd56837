"""Commands that are sent ahead, to a server that answers what it is told to and keeps what it heard."""

import smtplib
import socketserver
import threading
from itertools import takewhile

import pytest
from django.core.mail import EmailMessage

from loyalty_site.lib.smtp import EmailBackend

ADDRESS = "ann@example.org"


class Talk(socketserver.StreamRequestHandler):
    def handle(self):
        said, server = [b"220 hello"], self.server
        self.say(said)
        while line := self.rfile.readline():
            verb = line[:4].strip().upper()
            server.heard.append(verb.decode())
            said.append(server.answers.get(line.strip().lower(), server.answers.get(verb, b"250 ok")))
            # Whoever waits for each answer hears none here.
            if verb not in (b"MAIL", b"RCPT"):
                wants_text = verb == b"DATA" and said[-1].startswith(b"354")
                self.say(said)
                if wants_text:
                    server.texts.append(b"".join(takewhile(bool, iter(self.rfile.readline, b".\r\n"))))
                    self.say([b"554 no valid recipients" if server.texts[-1] == b"" else b"250 taken"])

    def say(self, said):
        self.wfile.write(b"".join(line + b"\r\n" for line in said))
        said.clear()


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Talk)
        self.heard, self.texts = [], []
        self.answers = {b"EHLO": b"250-hello\r\n250-SIZE 1000000\r\n250 PIPELINING", b"DATA": b"354 go on"}


@pytest.fixture
def server():
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()


@pytest.fixture
def mailer(server):
    mailer = EmailBackend(host="127.0.0.1", port=server.server_address[1], timeout=2)
    mailer.open()
    yield mailer
    mailer.close()


def send(mailer, *addresses):
    return mailer.send_messages([EmailMessage("Hello", "Hello Ann", "hello@example.org", list(addresses or [ADDRESS]))])


def test_commands_go_ahead_where_the_server_offers_it(server, mailer):
    assert (send(mailer), send(mailer, ADDRESS, "bob@example.org")) == (1, 1)
    assert server.heard == ["EHLO", "MAIL", "RCPT", "DATA", "MAIL", "RCPT", "RCPT", "DATA"]
    assert all(b"Hello Ann" in text for text in server.texts)
    assert mailer.last_reply == "250 taken"


@pytest.mark.parametrize("to_data", [b"503 no recipients", b"354 go on"])
@pytest.mark.parametrize(
    ("verb", "error"), [(b"RCPT", smtplib.SMTPRecipientsRefused), (b"MAIL", smtplib.SMTPSenderRefused)]
)
def test_refusal_costs_the_next_mail_nothing(server, mailer, verb, error, to_data):
    server.answers |= {verb: b"550 no", b"DATA": to_data}
    with pytest.raises(error):
        send(mailer)
    assert not any(server.texts)
    server.answers |= {verb: b"250 ok", b"DATA": b"354 go on"}
    assert send(mailer) == 1
    assert b"Hello Ann" in server.texts[-1]
    assert server.heard[-3:] == ["MAIL", "RCPT", "DATA"]


def test_one_recipient_of_two_is_refused(server, mailer):
    server.answers[b"rcpt to:<bob@example.org>"] = b"550 no"
    assert send(mailer, ADDRESS, "bob@example.org") == 1
    assert b"Hello Ann" in server.texts[0]


def test_goodbye_at_a_recipient_is_followed_by_a_new_connection(server, mailer):
    server.answers[b"RCPT"] = b"421 bye"
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send(mailer)
    mailer.close()
    server.answers[b"RCPT"] = b"250 ok"
    mailer.open()
    assert send(mailer) == 1
    assert server.texts[-1].endswith(b"Hello Ann\r\n")


def test_address_of_several_lines_goes_nowhere(server, mailer):
    with pytest.raises(ValueError, match="several lines"):
        mailer.connection.sendmail("a@example.org", ["(\r\n"], b"x")
    assert server.heard == ["EHLO"]
