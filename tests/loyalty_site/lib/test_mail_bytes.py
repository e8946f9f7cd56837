"""Each mail is read by the email package again, which knows what a mail program sees."""

import email
from email import policy
from email.mime.image import MIMEImage

import pytest
from django.core import mail
from django.core.mail import BadHeaderError, EmailMessage, EmailMultiAlternatives
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty_site.lib import mail_bytes

people = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


def read(message):
    return email.message_from_bytes(mail_bytes.of(message), policy=policy.default)


def same(text):
    """Line ends are the mail's."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def letter(**told):
    told = {"subject": "How was it?", "body": "Hello", "to": ["ann@example.org"]} | told
    message = EmailMultiAlternatives(**told)
    message.attach_alternative("<p>Hello</p>", "text/html")
    return message


@settings(deadline=None)
@given(people, people)
def test_whatever_people_write_arrives_in_ascii_and_short_lines(text, page):
    message = EmailMultiAlternatives("Hello", text or "-", to=["ann@example.org"])
    message.attach_alternative(page, "text/html")
    written = mail_bytes.of(message)
    lines = written.split(b"\r\n")
    assert max(len(line) for line in lines) <= 100
    assert written.isascii()
    assert not any(b"\n" in line or b"\r" in line or b"\0" in line or line.endswith(b" ") for line in lines)
    got = email.message_from_bytes(written, policy=policy.default)
    plain, html = got.iter_parts()
    assert same(plain.get_payload(decode=True).decode()) == same(text or "-")
    assert same(html.get_payload(decode=True).decode()) == same(page)


@pytest.mark.parametrize(
    "text", [".", "..\n.\n.a\n", "From here\n.\n", "a" * 5000, "é" * 999 + " \nb\t\n", "=_=20\n--x"]
)
def test_lines_that_mail_servers_would_change_arrive_as_they_were(text):
    [plain, _html] = read(letter(body=text)).iter_parts()
    assert same(plain.get_payload(decode=True).decode()) == text


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"], exclude_characters="\x85"), max_size=200))
def test_subject_arrives(subject):
    written = mail_bytes.of(letter(subject=subject))
    assert written.isascii()
    got = email.message_from_bytes(written, policy=policy.default)
    assert got["Subject"].split() == subject.split()


@pytest.mark.parametrize("broken", ["How\nBcc: all@example.org", "How\rBcc: all@example.org", "é\r\nBcc: a@b.c"])
@pytest.mark.parametrize("header", ["Subject", "To", "List-Id"])
def test_header_of_several_lines_is_refused(header, broken):
    message = letter()
    if header == "Subject":
        message.subject = broken
    elif header == "To":
        message.to = [broken]
    else:
        message.extra_headers[header] = broken
    with pytest.raises(BadHeaderError):
        mail_bytes.of(message)


def test_headers_are_those_of_the_message():
    message = letter(
        from_email="bounces+1@example.org",
        reply_to=["Café <care@example.org>"],
        headers={
            "From": "=?utf-8?b?Q2Fmw6k=?= <hello@example.org>",
            "List-Unsubscribe": f"<https://a.example/{'x' * 150}>",
        },
    )
    got = read(message)
    assert got["From"].addresses[0].display_name == "Café"
    assert (str(got["To"]), str(got["Reply-To"])) == ("ann@example.org", "Café <care@example.org>")
    assert got["List-Unsubscribe"] == f"<https://a.example/{'x' * 150}>"
    assert got["Date"].datetime is not None
    assert [len(got.get_all(name)) for name in ("From", "To", "Date", "Message-ID", "Content-Type")] == [1] * 5


def test_mail_server_gets_the_lines_as_they_are(mail_server):
    text = ".\n..\n.a\nFrom here\n" + "é" * 999 + "\n" + ". " * 999 + "\n.\n"
    mailer = mail.get_connection()
    assert mailer.send_messages([letter(body=text), letter(to=[])]) == 1
    [(address, got)] = mail_server.taken
    plain, _html = got.iter_parts()
    assert (address, same(plain.get_payload(decode=True).decode())) == ("ann@example.org", text)


def test_long_subject_is_folded():
    subject = "Words and words, " * 20
    written = mail_bytes.of(letter(subject=subject))
    assert max(map(len, written.split(b"\r\n"))) <= 98
    assert email.message_from_bytes(written, policy=policy.default)["Subject"].split() == subject.split()


def test_picture_belongs_to_the_page():
    message = letter()
    picture = MIMEImage(bytes(range(256)) * 4, "png")
    picture.add_header("Content-ID", "<logo>")
    message.mixed_subtype = "related"
    message.attach(picture)
    got = read(message)
    assert got.get_content_type() == "multipart/related"
    texts, shown = got.iter_parts()
    assert [part.get_content_type() for part in texts.iter_parts()] == ["text/plain", "text/html"]
    assert (shown["Content-ID"], shown.get_content()) == ("<logo>", bytes(range(256)) * 4)


def test_file_is_attached():
    message = EmailMessage("Hello", "See the file.", to=["ann@example.org"])
    message.attach("points.bin", b"\0\n\r\xff", "application/octet-stream")
    text, file = read(message).iter_parts()
    assert (text.get_content(), file.get_filename(), file.get_content()) == (
        "See the file.",
        "points.bin",
        b"\0\n\r\xff",
    )


def test_text_alone_has_no_parts():
    got = read(EmailMessage("Hello", "你好", to=["ann@example.org"]))
    assert (got.get_content_type(), got.get_content()) == ("text/plain", "你好")


@pytest.mark.parametrize(
    ("written", "known"),
    [
        ("ann@example.org", "ann@example.org"),
        ("Shop <hello@example.org>", "Shop <hello@example.org>"),
        ("Café <hello@example.org>", "=?utf-8?b?Q2Fmw6k=?= <hello@example.org>"),
        ("ann@bücher.example", "ann@xn--bcher-kva.example"),
    ],
)
def test_address_of_an_envelope(written, known):
    assert mail_bytes.address(written) == known


@pytest.mark.parametrize("written", ["", "ann@example.org\r\nRCPT TO:<bob@example.org>", "a@b.c> x"])
def test_what_is_no_address_gets_no_mail(written):
    with pytest.raises(ValueError, match="nvalid|newline"):
        mail_bytes.address(written)
