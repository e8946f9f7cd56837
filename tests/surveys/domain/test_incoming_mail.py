"""Reading mails of all shapes: what a person would read of them comes out, and nothing breaks it."""

import random
import time

import pytest

from surveys.domain import incoming_mail
from tests.surveys import bounce_letters, letters

GREETING = "您好，面包不新鲜。"
KONNICHIWA = "パンが古かったです。"


def read(raw):
    return incoming_mail.read(raw)


def test_simple_mail():
    mail = read(letters.letter("Thank you!\r\nMei", In_Reply_To="<a@x>", References="<first@x> <a@x>"))
    assert (mail.sender, mail.sender_name) == ("mei@example.org", "Mei Lin")
    assert (mail.subject, mail.text) == ("Re: your mail", "Thank you!\nMei")
    assert (mail.message_id, mail.references) == ("<m1@mail.example>", ("<a@x>", "<first@x>"))
    assert (mail.attachments, mail.is_automatic, mail.is_bounce) == ((), False, False)


@pytest.mark.parametrize("charset", ["gb2312", "gbk", "gb18030", "utf-8", "big5"])
@pytest.mark.parametrize("shape", [letters.plain, letters.base64_mail])
def test_chinese_in_the_charsets_that_mail_programs_use(shape, charset):
    text = "您好" if charset == "big5" else GREETING
    mail = read(shape(text, charset))
    if (shape, charset) != (letters.plain, "big5"):  # a raw header names no charset
        assert mail.subject == text
    assert mail.text == text


def test_japanese_in_seven_bits():
    mail = read(letters.base64_mail(KONNICHIWA, "iso-2022-jp"))
    assert (mail.subject, mail.text) == (KONNICHIWA, KONNICHIWA)
    assert read(letters.plain(KONNICHIWA, "iso-2022-jp")).text == KONNICHIWA


def test_charset_that_is_called_what_it_is_not():
    raw = letters.letter("面包€".encode("gb18030"), Content_Type="text/plain; charset=gb2312")
    assert read(raw).text == "面包€"
    raw = letters.letter("面包".encode(), Content_Type="text/plain; charset=x-nowhere")
    assert read(raw).text == "面包"


def test_quoted_printable():
    mail = read(letters.quoted_printable("Größe = 5 € und eine sehr lange Zeile " * 5))
    assert mail.text == ("Größe = 5 € und eine sehr lange Zeile " * 5).strip()
    assert mail.subject == "Grüße"


def test_of_text_and_html_the_text_is_read():
    mail = read(letters.multipart(letters.part("Plain words"), letters.HTML))
    assert (mail.text, mail.attachments) == ("Plain words", ())


def test_html_alone_is_reduced_to_its_words():
    mail = read(letters.multipart(letters.HTML))
    assert mail.text == "Thank you!\n\nMei & Tom"


def test_attachments_are_named_and_not_kept():
    named = letters.part("R0lG", "image/gif", Content_Disposition="attachment; filename*=UTF-8''%E9%9D%A2%E5%8C%85.gif")
    mail = read(letters.multipart(letters.part("See the bill"), letters.PDF, named, kind="mixed"))
    assert (mail.text, mail.attachments) == ("See the bill", ("bill.pdf", "面包.gif"))
    assert "JVBERi0" not in repr(mail)


def test_text_that_is_attached_is_not_the_mail():
    attached = letters.part("log", Content_Disposition='attachment; filename="log.txt"')
    mail = read(letters.multipart(attached, letters.part("Look at the log"), kind="mixed"))
    assert (mail.text, mail.attachments) == ("Look at the log", ("log.txt",))


def test_nothing_is_fine():
    mail = read(letters.letter("", Subject="", Message_ID=""))
    assert (mail.subject, mail.text) == ("", "")
    assert mail.message_id.endswith("@no-message-id>")
    assert mail.message_id == read(letters.letter("", Subject="", Message_ID="")).message_id
    assert mail.message_id != read(letters.letter("x", Subject="", Message_ID="")).message_id


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Auto_Submitted": "auto-generated (absence); x=1"},
        {"Precedence": "bulk"},
        {"Precedence": "Auto_Reply"},
        {"X_Autoreply": "yes"},
        {"List_Id": "<news.example.org>"},
        {"Return_Path": "<>"},
    ],
)
def test_what_nobody_wrote_is_automatic(headers):
    assert read(letters.letter(**headers)).is_automatic


@pytest.mark.parametrize("headers", [{}, {"Auto_Submitted": "no"}, {"Precedence": "first-class"}])
def test_what_somebody_wrote_is_not(headers):
    assert not read(letters.letter(**headers)).is_automatic


def test_read_receipt_is_automatic():
    assert read(
        letters.multipart(letters.part("seen"), kind="report; report-type=disposition-notification")
    ).is_automatic


def test_bounce_names_the_mail_that_came_back():
    mail = read(bounce_letters.postfix("<case-17-abc@shop.example>"))
    assert (mail.is_bounce, mail.is_automatic, mail.references) == (True, True, ("<case-17-abc@shop.example>",))
    assert mail.text.startswith("Sorry")


def test_bounce_with_the_whole_mail_in_it():
    inner = letters.letter("Dear Mei", Message_ID="<case-9-x@shop.example>").decode()
    raw = letters.multipart(
        letters.part("Failed"),
        letters.part("Status: 5.1.1", "message/delivery-status"),
        letters.part(inner, "message/rfc822"),
        kind="report; report-type=delivery-status",
        From="postmaster@mx.example",
    )
    assert read(raw).references == ("<case-9-x@shop.example>",)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"", ""),
        (b"\0\0\0", ""),
        (b"no header at all", "no header at all"),
        (b"\xff\xfe\xfa" * 99, None),
        (b"Content-Type: multipart/mixed\r\n\r\nno boundary", "no boundary"),
        (b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nnever ends", "never ends"),
        (b"Content-Type: text/plain; charset*=bad''%%%\r\n\r\nhello", "hello"),
        (b"Content-Type: ;;;===\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!not base64", None),
        (b"Subject: =?utf-8?B?!!!?= =?nowhere?Q?=FF?=\r\n\r\nhello", "hello"),
        (b'From: <<<>>>, "a\r\nMessage-ID: <no end\r\n\r\nhello', None),
        (b"Content-Disposition: attachment; filename*0*=x''%FF; filename*2=y\r\n\r\nhello", None),
    ],
)
def test_malformed_mail_is_read_as_far_as_it_goes(raw, text):
    mail = read(raw)
    assert mail.message_id
    if text is not None:
        assert mail.text == text


def test_deep_nesting_breaks_nothing():
    raw = "".join(f'Content-Type: multipart/mixed; boundary="b{n}"\r\n\r\n--b{n}\r\n' for n in range(3000)).encode()
    assert read(letters.letter().split(b"\r\n\r\n")[0] + b"\r\n" + raw).sender == "mei@example.org"


def test_ten_thousand_parts_are_not_all_looked_at():
    parts = [letters.part("")] * 10_000 + [letters.part("the end")]
    assert read(letters.multipart(*parts)).text == ""


@pytest.mark.parametrize(
    "raw",
    [
        letters.multipart(letters.part("<!--" * 300_000, "text/html")),
        letters.multipart(letters.part("</" * 300_000, "text/html")),
        letters.letter(Subject="=?utf-8?B?eA==?= " * 20_000),
        letters.letter(to="(" * 100_000),
        letters.letter(References="<a@b> " * 50_000),
    ],
)
def test_mail_that_is_made_to_be_slow_is_read_quickly(raw):
    started = time.process_time()
    read(raw)
    assert time.process_time() - started < 5


def test_ids_that_no_database_takes_are_cleaned():
    assert read(letters.letter(In_Reply_To="<a\0@b>")).references == ("<a@b>",)


def test_styles_of_any_length_stand_before_the_words():
    html = f"<html><head><style>{'p{}' * 100_000}</style></head><body>Hello</body></html>"
    assert read(letters.multipart(letters.part(html, "text/html"))).text == "Hello"


def test_long_text_is_cut_and_says_so():
    assert read(letters.letter("x" * 50_000)).text == "x" * 20_000 + " […]"


def test_header_lines_are_not_injected():
    mail = read(letters.letter(Subject="=?utf-8?Q?a=0D=0ABcc:_b@x.example?="))
    assert mail.subject == "a Bcc: b@x.example"


def test_header_of_words_in_two_ways():
    subject = "Größe: =?gb2312?B?w+aw/A==?= und Brot"
    assert read(letters.letter(Subject=subject)).subject == "Größe: 面包 und Brot"


def test_text_that_turns_itself_around_is_straightened():
    assert read(letters.letter("abc\u202egpj.exe\0 \u200bd")).text == "abcgpj.exe d"


def test_any_bytes_are_read():
    chance = random.Random(5)
    whole = [
        bounce_letters.postfix("<a@b>"),
        letters.multipart(letters.HTML, letters.PDF),
        letters.base64_mail(GREETING, "gbk"),
    ]
    for _ in range(600):
        raw = bytearray(chance.choice(whole))
        for _ in range(chance.randrange(1, 30)):
            raw[chance.randrange(len(raw))] = chance.randrange(256)
        mail = read(bytes(raw))
        assert "\0" not in mail.text + mail.subject + mail.sender
        (mail.text + mail.subject + "".join(mail.attachments) + mail.sender + mail.message_id).encode()


@pytest.mark.parametrize(
    ("text", "written", "quoted"),
    [
        (
            "Thanks\n\nOn Monday Lena wrote:\n> Dear Mei\n>\n> sorry",
            "Thanks",
            "On Monday Lena wrote:\n> Dear Mei\n>\n> sorry",
        ),
        ("Thanks", "Thanks", ""),
        ("> a\nyes\n> b\nno", "> a\nyes\n> b\nno", ""),
        ("> all of it", "", "> all of it"),
    ],
)
def test_what_is_quoted_at_the_end_stands_apart(text, written, quoted):
    assert incoming_mail.split_quoted(text) == (written, quoted)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>a<br>b</p>c", "a\nb\nc"),
        ("a<script>x()</script>b", "ab"),
        ("<style>p{}</style>", ""),
        ("&lt;script&gt;", "<script>"),
        ("<script>never closed", ""),
        ("<head>x</head><body>y", "y"),
        ("<!-- c --><a href='javascript:x'>link</a>", "link"),
        ("<table><tr><td>1</td><td>2</td></tr></table>", "1 2"),
    ],
)
def test_html_in_words(html, text):
    assert incoming_mail.reduced(html) == text
