import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.core.management.base import CommandError

from loyalty_site.listening import Address


@pytest.mark.parametrize("port", ["0", "65536", "http", "８０８０", "-1", ""])
def test_parse_refuses_a_port_that_is_none(port):
    with pytest.raises(CommandError, match=f"PORT must be a number from 1 to 65535, not '{port}'"):
        Address.parse("127.0.0.1", port)


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:8000"), ("[::1]", "http://[::1]:8000"), ("::1", "http://[::1]:8000")],
)
def test_url_is_what_a_browser_takes(host, url):
    assert Address.parse(host, "8000").url == url


def test_names_of_a_wildcard_include_the_address_in_the_network():
    address = Address.parse("0.0.0.0", "8000")
    shown = address.url.removeprefix("http://").removesuffix(":8000")
    assert {"127.0.0.1", "localhost", "[::1]", socket.gethostname(), shown} == set(address.names)


def test_check_free_accepts_a_free_port(free_port):
    Address("127.0.0.1", free_port).check_free()


def test_check_free_names_a_way_out_of_a_busy_port(free_port):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", free_port))
        holder.listen()
        with pytest.raises(CommandError, match=f"PORT={free_port + 1} make run"):
            Address("127.0.0.1", free_port).check_free()


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_check_free_refuses_a_host_that_is_not_this_machine(host, free_port):
    with pytest.raises(CommandError, match=f"HOST={host} is no address of this machine"):
        Address(host, free_port).check_free()


@pytest.mark.parametrize(("status", "answers"), [(200, True), (400, True), (500, False)])
def test_answers_when_the_web_is_up(status, answers):
    with HTTPServer(("127.0.0.1", 0), answering(status)) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        assert Address("127.0.0.1", server.server_port).answers() is answers
        thread.join()


def test_answers_is_false_while_nobody_listens(free_port):
    assert Address("127.0.0.1", free_port).answers() is False


@pytest.fixture
def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answering(code):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(code)
            self.end_headers()

        def log_message(self, *args):
            pass

    return Handler
