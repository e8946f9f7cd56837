import re
from functools import partial

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from customers import tasks
from customers.models import SignInCode
from tests.factories.customers import CustomerFactory
from tests.races import at_once

SIGN_IN, CODE, HOME = "/sign-in/", "/sign-in/code/", "/"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _uncounted():
    cache.clear()


@pytest.fixture
def mia():
    return CustomerFactory(name="Mia", email="mia@example.org")


def ask(client, email="mia@example.org"):
    return client.post(SIGN_IN, {"email": email})


def mailed_code():
    tasks.send_sign_in_codes()
    return re.search(r"\b\d{6}\b", mail.outbox[-1].body).group()


def enter(client, code):
    return client.post(CODE, {"code": code})


def is_signed_in(client):
    return "customer_id" in client.session


def test_customer_signs_in_with_the_mailed_code(client, mia):
    assert ask(client).url == CODE
    key = client.session.session_key
    response = enter(client, mailed_code())
    assert (response.status_code, response.url) == (302, HOME)
    assert client.session["customer_id"] == mia.pk
    assert client.session.session_key != key


@pytest.mark.parametrize("spelled", ["{0} {1}", " {0}-{1} ", "full width"])
def test_enter_code_takes_it_as_people_paste_it(client, mia, spelled):
    ask(client)
    code = mailed_code()
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in code)
    enter(client, wide if spelled == "full width" else spelled.format(code[:3], code[3:]))
    assert is_signed_in(client)


def test_mail_is_in_the_customers_language_and_marked_as_automatic(client):
    CustomerFactory(name="", email="mia@example.org", language="zh-hans")
    ask(client)
    code = mailed_code()
    (sent,) = mail.outbox
    assert sent.to == ["mia@example.org"]
    assert sent.extra_headers["Auto-Submitted"] == "auto-generated"
    assert sent.subject != f"{code} is your code to sign in"
    assert code in sent.subject
    assert 'lang="zh-hans"' in sent.alternatives[0].content
    assert code in sent.alternatives[0].content


def test_strangers_and_customers_get_the_same_answers(mia, now, time_machine):
    time_machine.move_to(now, tick=False)
    pages = []
    for email in ("mia@example.org", "nobody@example.org"):
        client = Client()
        answers = [
            ask(client, email),
            client.get(CODE),
            enter(client, "000000"),
            enter(client, "12"),
            ask(client, email),
        ]
        answers.append(client.get(CODE))
        pages.append(
            [
                (
                    answer.status_code,
                    answer.headers.get("Location"),
                    sorted(answer.headers),
                    without_noise(answer, email),
                )
                for answer in answers
            ]
        )
    assert pages[0] == pages[1]


def without_noise(response, email):
    """The page without the address typed and without what is new in every answer."""
    text = response.content.decode().replace(email, "EMAIL")
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", text)


def test_strangers_and_customers_cost_the_same_queries(mia, django_assert_num_queries):
    for email in ("mia@example.org", "nobody@example.org"):
        client = Client()
        with django_assert_num_queries(13):
            ask(client, email)
        with django_assert_num_queries(3):
            enter(client, "000000")


def test_stranger_gets_no_mail_and_cannot_sign_in(client, mia):
    ask(client, "nobody@example.org")
    tasks.send_sign_in_codes()
    assert mail.outbox == []
    for code in ("", "000000"):
        enter(client, code)
    assert not is_signed_in(client)


def test_enter_code_shows_the_refusal_beside_the_field(client, mia):
    ask(client)
    code = mailed_code()
    response = enter(client, f"{(int(code) + 1) % 10**6:06d}")
    assert response.status_code == 200
    assert "That code is not right" in str(response.context["form"].errors["code"])
    assert "The code has six digits." in str(enter(client, "12345").context["form"].errors["code"])


def test_enter_code_says_when_there_were_too_many_tries(client, mia):
    ask(client)
    code = mailed_code()
    for _ in range(5):
        enter(client, f"{(int(code) + 1) % 10**6:06d}")
    assert "too many tries" in str(enter(client, code).context["form"].errors["code"])
    assert not is_signed_in(client)


def test_enter_code_refuses_a_code_that_was_used(client, mia):
    ask(client)
    code = mailed_code()
    other = Client(headers={"cookie": client.cookies.output(header="", sep=";")})
    enter(client, code)
    other.post(CODE, {"code": code})
    assert not other.session.get("customer_id")


def test_ask_again_within_a_minute_sends_nothing_new(client, mia):
    ask(client)
    mailed_code()
    response = client.post(SIGN_IN, {"email": "mia@example.org"}, follow=True)
    assert "Please wait a minute" in response.content.decode()
    assert SignInCode.objects.count() == 1


def test_ask_again_after_a_minute_sends_another_code(client, mia, now, time_machine):
    time_machine.move_to(now)
    ask(client)
    old = mailed_code()
    time_machine.shift(61)
    response = client.post(SIGN_IN, {"email": "mia@example.org"}, follow=True)
    assert "Only the newest one works" in response.content.decode()
    new = mailed_code()
    if old != new:
        enter(client, old)
        assert not is_signed_in(client)
    enter(client, new)
    assert is_signed_in(client)


def test_sixth_request_in_an_hour_leaves_the_fifth_code_good(client, mia, now, time_machine):
    time_machine.move_to(now)
    for _ in range(5):
        ask(client)
        code = mailed_code()
        time_machine.shift(61)
    assert ask(client).url == CODE
    assert SignInCode.objects.count() == 5
    enter(client, code)
    assert is_signed_in(client)


def test_thirty_first_request_from_one_network_address_sends_nothing(mia):
    for n in range(30):
        ask(Client(), f"person{n}@example.org")
    assert ask(Client()).url == CODE
    assert SignInCode.objects.count() == 30
    assert Client(REMOTE_ADDR="10.0.0.2").post(SIGN_IN, {"email": mia.email}).url == CODE
    assert SignInCode.objects.count() == 31


def test_forwarded_addresses_are_not_believed_from_anybody(mia):
    for n in range(31):
        Client(headers={"x-forwarded-for": f"10.0.0.{n}"}).post(SIGN_IN, {"email": f"person{n}@example.org"})
    assert SignInCode.objects.count() == 30


def test_socket_that_tells_no_address_is_not_counted(mia):
    for n in range(31):
        Client(REMOTE_ADDR="").post(SIGN_IN, {"email": f"person{n}@example.org"})
    assert SignInCode.objects.count() == 31


def test_ask_works_without_redis(client, mia, settings):
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}}
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.db"
    assert ask(client).url == CODE
    assert SignInCode.objects.count() == 1


def test_forwarded_addresses_are_believed_from_our_own_proxy(mia, settings):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    for n in range(31):
        Client(headers={"x-forwarded-for": f"made-up, 10.0.0.{n}"}).post(SIGN_IN, {"email": f"person{n}@example.org"})
    assert SignInCode.objects.count() == 31


def test_who_came_by_fewer_proxies_than_there_are_counts_by_the_address_they_connect_from(mia, settings):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 2
    for n in range(31):
        sent = Client(headers={"x-forwarded-for": f"10.0.0.{n}"}).post(SIGN_IN, {"email": f"person{n}@example.org"})
        assert sent.status_code == 302
    assert SignInCode.objects.count() == 30


@pytest.mark.parametrize("peer", ["", "/run/proxy.sock"])
def test_who_came_by_fewer_proxies_over_a_socket_is_not_counted(mia, settings, peer):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 2
    client = Client(REMOTE_ADDR=peer, headers={"x-forwarded-for": "10.0.0.1"})
    assert client.post(SIGN_IN, {"email": mia.email}).url == CODE


@pytest.mark.parametrize("email", ["", "nobody", "a@b", "x" * 250 + "@example.org", "nul\0@example.org"])
def test_ask_explains_what_is_wrong_with_an_address(client, email):
    response = ask(client, email)
    assert response.status_code == 200
    assert response.context["form"].errors["email"]


def test_code_page_without_a_request_leads_to_the_first_page(client):
    assert client.get(CODE).url == SIGN_IN


def test_sign_in_leads_to_the_page_that_was_wanted(client, mia):
    wanted = reverse("portal:profile")
    assert client.get(wanted).url == "/sign-in/?next=%2Fme%2F"
    client.get(client.get(wanted).url)
    ask(client)
    assert enter(client, mailed_code()).url == wanted


@pytest.mark.parametrize("evil", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"])
def test_sign_in_never_leads_to_another_site(client, mia, evil):
    client.get(SIGN_IN, {"next": evil})
    ask(client)
    assert enter(client, mailed_code()).url == HOME


def test_sign_in_page_of_somebody_signed_in_leads_home(client, mia):
    ask(client)
    enter(client, mailed_code())
    assert client.get(SIGN_IN).url == HOME
    assert client.get(CODE).url == HOME


def test_sign_in_speaks_the_customers_language(client):
    CustomerFactory(email="mia@example.org", language="zh-hans")
    ask(client)
    response = enter(client, mailed_code())
    assert response.cookies["django_language"].value == "zh-hans"


def test_sign_out_is_a_post(client, mia):
    ask(client)
    enter(client, mailed_code())
    assert client.get("/sign-out/").status_code == 405
    assert is_signed_in(client)
    assert client.post("/sign-out/").url == SIGN_IN
    assert not is_signed_in(client)


def test_forms_need_their_csrf_token(mia):
    strict = Client(enforce_csrf_checks=True)
    assert [strict.post(url).status_code for url in (SIGN_IN, CODE, "/sign-out/")] == [403] * 3


@pytest.mark.django_db(transaction=True)
def test_two_submits_of_one_code_sign_in_once(client, mia):
    ask(client)
    code = mailed_code()
    cookies = client.cookies.output(header="", sep=";")
    answers = at_once(*[partial(Client(headers={"cookie": cookies}).post, CODE, {"code": code}) for _ in range(2)])
    let_in = [answer.status_code == 302 and answer.url == HOME for answer in answers]
    assert sorted(let_in) == [
        False,
        True,
    ]  # the other one is asked again, for the code or, once the session is new, whom


@pytest.mark.django_db(transaction=True)
def test_ask_wakes_the_worker_and_does_not_mind_when_nobody_hears(client, mia, monkeypatch):
    woken = []

    def deaf(*args, **kwargs):
        woken.append(args)
        raise ConnectionError

    monkeypatch.setattr(tasks.send_sign_in_codes, "delay", deaf)
    assert ask(client).url == CODE
    assert len(woken) == 1


def test_address_in_another_script_leaves_all_cookies_readable(client):
    ask(client, "mei@例.com")
    assert client.cookies.output().isascii()
    assert client.get(CODE).context["email"] == "mei@例.com"
