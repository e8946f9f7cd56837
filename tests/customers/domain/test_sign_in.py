from datetime import UTC, datetime, timedelta
from functools import partial
from smtplib import SMTPRecipientsRefused, SMTPServerDisconnected

import pytest
from django.contrib.sessions.backends.db import SessionStore

from customers.domain import sign_in
from customers.models import Customer, SignInCode
from tests.races import at_once

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)

pytestmark = pytest.mark.django_db


@pytest.fixture
def mia():
    return Customer.objects.create(number="C7K294QX", name="Mia", email="Mia@example.org", enrolled_at=AT)


class Mailer:
    """Keeps what it is given; raises `error` first when set."""

    def __init__(self, error=None):
        self.error = error
        self.mails = []

    def __call__(self, customer, code):
        if self.error:
            raise self.error
        self.mails.append((customer, code))

    @property
    def code(self):
        return self.mails[-1][1]


def ask(email="mia@example.org", token="browser", at=AT):
    return sign_in.request(email=email, browser_token=token, at=at)


def ask_and_send(token="browser", at=AT):
    mailer = Mailer()
    ask(token=token, at=at)
    sign_in.send_pending(mailer=mailer, at=at)
    return mailer.code


def verify(code, token="browser", at=AT + SECOND):
    return sign_in.verify(browser_token=token, code=code, at=at)


def wrong(code):
    return f"{(int(code) + 1) % 10**6:06d}"


def test_verify_knows_the_customer_by_the_mailed_code(mia):
    assert verify(ask_and_send()) == mia


def test_request_finds_the_address_in_any_case_and_among_spaces(mia):
    assert ask(email=" MIA@Example.ORG ").customer == mia


def test_request_of_a_stranger_leaves_a_row_without_a_customer():
    row = ask(email="nobody@example.org")
    assert row.customer is None
    assert row.sent_at is None


def test_request_of_somebody_who_left_is_a_strangers(mia):
    Customer.objects.update(closed_at=AT)
    assert ask().customer is None


def test_request_keeps_no_address_and_no_token(mia):
    ask_and_send()
    row = SignInCode.objects.values_list("address_hash", "browser_hash", "code_hash").get()
    assert all(len(kept) == 64 and "mia" not in kept and "browser" not in kept for kept in row)


def test_send_pending_mails_each_request_once(mia):
    mailer = Mailer()
    ask()
    assert sign_in.send_pending(mailer=mailer, at=AT) == 1
    assert sign_in.send_pending(mailer=mailer, at=AT) == 0
    assert [customer for customer, _ in mailer.mails] == [mia]
    assert len(mailer.code) == 6
    assert mailer.code.isdigit()


def test_send_pending_closes_a_strangers_request_without_a_mail():
    ask(email="nobody@example.org")
    mailer = Mailer()
    assert sign_in.send_pending(mailer=mailer, at=AT) == 0
    assert mailer.mails == []
    assert SignInCode.objects.get().sent_at == AT


def test_send_pending_tries_again_after_the_mail_server_failed(mia):
    ask()
    assert sign_in.send_pending(mailer=Mailer(SMTPServerDisconnected()), at=AT) == 0
    assert SignInCode.objects.get().code_hash == ""
    mailer = Mailer()
    assert sign_in.send_pending(mailer=mailer, at=AT + SECOND) == 1
    assert verify(mailer.code) == mia


@pytest.mark.parametrize(("status", "due"), [(550, 0), (451, 1)])
def test_send_pending_gives_up_only_on_an_address_refused_for_good(mia, status, due):
    ask()
    refusal = SMTPRecipientsRefused({"mia@example.org": (status, b"no")})
    assert sign_in.send_pending(mailer=Mailer(refusal), at=AT) == 0
    assert SignInCode.objects.filter(sent_at=None, code_hash="").count() == due


def test_send_pending_rests_after_some_failures(mia):
    for n in range(5):
        ask(token=f"browser {n}")
    tries = []

    def failing(customer, code):
        tries.append(code)
        raise OSError

    sign_in.send_pending(mailer=failing, at=AT)
    assert len(tries) == 3


def test_send_pending_leaves_a_request_that_is_too_old(mia):
    ask()
    mailer = Mailer()
    assert sign_in.send_pending(mailer=mailer, at=AT + sign_in.VALID_FOR) == 0


def test_verify_refuses_a_code_in_another_browser(mia):
    code = ask_and_send()
    ask(token="other")
    with pytest.raises(sign_in.CodeRefused):
        verify(code, token="other")


def test_verify_refuses_a_wrong_code_and_takes_the_right_one_after(mia):
    code = ask_and_send()
    with pytest.raises(sign_in.CodeRefused):
        verify(wrong(code))
    assert verify(code) == mia


def test_verify_refuses_the_right_code_after_five_wrong_ones(mia):
    code = ask_and_send()
    for _ in range(5):
        with pytest.raises(sign_in.CodeRefused) as refusal:
            verify(wrong(code))
        assert refusal.type is sign_in.CodeRefused
    with pytest.raises(sign_in.TooManyTries):
        verify(code)
    assert SignInCode.objects.get().failed_attempts == 5


def test_verify_takes_a_code_once(mia):
    code = ask_and_send()
    verify(code)
    with pytest.raises(sign_in.CodeRefused):
        verify(code)


@pytest.mark.parametrize("late", [timedelta(0), timedelta(days=1)])
def test_verify_refuses_a_code_from_ten_minutes_on(mia, late):
    code = ask_and_send()
    with pytest.raises(sign_in.CodeRefused):
        verify(code, at=AT + sign_in.VALID_FOR + late)


def test_verify_takes_a_code_just_before_ten_minutes(mia):
    assert verify(ask_and_send(), at=AT + sign_in.VALID_FOR - SECOND) == mia


@pytest.mark.parametrize("code", ["", "000000", "123456"])
def test_verify_refuses_strangers_and_counts_their_tries(code):
    ask(email="nobody@example.org")
    with pytest.raises(sign_in.CodeRefused):
        verify(code)
    assert SignInCode.objects.get().failed_attempts == 1


def test_verify_counts_out_strangers_like_customers():
    ask(email="nobody@example.org")
    for _ in range(5):
        with pytest.raises(sign_in.CodeRefused):
            verify("123456")
    with pytest.raises(sign_in.TooManyTries):
        verify("123456")


def test_verify_refuses_a_browser_that_asked_for_nothing(mia):
    with pytest.raises(sign_in.CodeRefused):
        verify("123456", token="never seen")


def test_verify_refuses_somebody_who_left_meanwhile(mia):
    code = ask_and_send()
    Customer.objects.update(closed_at=AT)
    with pytest.raises(sign_in.CodeRefused):
        verify(code)


def test_request_with_the_same_token_is_the_same_request(mia):
    assert ask() == ask(at=AT + SECOND)


def test_request_is_dropped_after_five_in_an_hour(mia):
    made = [ask(token=f"browser {n}", at=AT + n * SECOND) for n in range(6)]
    assert [row is not None for row in made] == [True] * 5 + [False]
    assert ask(token="later", at=AT + timedelta(hours=1)) is not None
    assert ask(email="nobody@example.org", token="stranger") is not None


def test_browser_token_stays_for_a_minute_and_one_address(mia):
    ask()

    def token(email="Mia@example.org", after=59):
        return sign_in.browser_token(email=email, previous="browser", at=AT + after * SECOND)

    assert token() == "browser"
    assert len({token(after=60), token(email="other@example.org"), "browser"}) == 3


def test_browser_token_is_new_once_the_code_was_used(mia):
    verify(ask_and_send())
    assert sign_in.browser_token(email="mia@example.org", previous="browser", at=AT + SECOND) != "browser"


def test_forget_deletes_requests_of_yesterday(mia):
    ask(token="old", at=AT - timedelta(days=2))
    kept = ask()
    assert sign_in.forget(at=AT) == 1
    assert SignInCode.objects.get() == kept


def test_session_opens_under_a_new_key_and_closes(mia):
    session = SessionStore()
    session.create()
    key = session.session_key
    sign_in.open_session(session, mia)
    assert session.session_key != key
    assert sign_in.customer_of(session) == mia
    sign_in.close_session(session)
    assert sign_in.customer_of(session) is None


def test_session_ends_when_the_customer_left(mia):
    session = SessionStore()
    sign_in.open_session(session, mia)
    Customer.objects.update(closed_at=AT)
    assert sign_in.customer_of(session) is None


@pytest.mark.django_db(transaction=True)
def test_verify_signs_in_once_of_many_at_the_same_moment(mia):
    for attempt in range(5):
        code = ask_and_send(token=f"browser {attempt}")
        answers = at_once(*[partial(verify, code, f"browser {attempt}")] * 4)
        assert sorted(type(answer).__name__ for answer in answers) == ["CodeRefused"] * 3 + ["Customer"]


@pytest.mark.django_db(transaction=True)
def test_verify_judges_at_most_five_tries_of_many_at_the_same_moment(mia):
    code = ask_and_send()
    at_once(*[partial(verify, wrong(code))] * 12)
    assert SignInCode.objects.get().failed_attempts == 5
    with pytest.raises(sign_in.CodeRefused):
        verify(code)


@pytest.mark.django_db(transaction=True)
def test_request_keeps_its_limit_when_many_come_at_the_same_moment(mia):
    at_once(*[partial(ask, token=f"browser {n}") for n in range(12)])
    assert SignInCode.objects.count() == 5


@pytest.mark.django_db(transaction=True)
def test_send_pending_mails_once_when_workers_run_at_the_same_moment(mia):
    ask()
    mailer = Mailer()
    at_once(*[partial(sign_in.send_pending, mailer=mailer, at=AT)] * 4)
    assert len(mailer.mails) == 1
