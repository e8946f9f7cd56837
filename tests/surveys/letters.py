"""Mails as they come: what people and machines send."""

from base64 import b64encode
from quopri import encodestring

MEI = "Mei Lin <mei@example.org>"


def letter(body: bytes | str = "Thank you!", *, to: str = "care@shop.example", **headers: str) -> bytes:
    """`headers`: a name with `_` for `-`; empty ones are left out."""
    told = {"From": MEI, "To": to, "Subject": "Re: your mail", "Message-ID": "<m1@mail.example>"}
    told |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{name}: {value}" for name, value in told.items() if value]
    return "\r\n".join(lines).encode("utf-8") + b"\r\n\r\n" + (body.encode() if isinstance(body, str) else body)


def plain(text: str, charset: str) -> bytes:
    """In the very bytes of a charset, unencoded, subject too."""
    body = letter(text.encode(charset), Content_Type=f"text/plain; charset={charset}", Subject="")
    return b"Subject: " + text.encode(charset) + b"\r\n" + body


def base64_mail(text: str, charset: str) -> bytes:
    word = b64encode(text.encode(charset)).decode()
    return letter(
        b64encode(text.encode(charset)),
        Content_Type=f'text/plain; charset="{charset}"',
        Content_Transfer_Encoding="base64",
        Subject=f"=?{charset}?B?{word}?=",
    )


def quoted_printable(text: str) -> bytes:
    return letter(
        encodestring(text.encode()),
        Content_Type="text/plain; charset=utf-8",
        Content_Transfer_Encoding="quoted-printable",
        Subject="=?UTF-8?Q?Gr=C3=BC=C3=9Fe?=",
    )


def multipart(*parts: str, kind: str = "alternative", **headers: str) -> bytes:
    body = "".join(f"--b1\r\n{part}\r\n" for part in parts) + "--b1--\r\n"
    return letter(body, Content_Type=f'multipart/{kind}; boundary="b1"', MIME_Version="1.0", **headers)


def part(body: str, kind: str = "text/plain; charset=utf-8", **headers: str) -> str:
    told = {"Content-Type": kind} | {name.replace("_", "-"): value for name, value in headers.items()}
    return "\r\n".join(f"{name}: {value}" for name, value in told.items()) + f"\r\n\r\n{body}"


HTML = part(
    "<html><head><title>x</title><style>p{color:red}</style></head><body>"
    "<p>Thank <b>you</b>!</p><script>alert(1)</script>"
    '<img src="http://evil.example/x.gif"><p>Mei&nbsp;&amp; Tom</p></body></html>',
    "text/html; charset=utf-8",
)
PDF = part(
    "JVBERi0=",
    'application/pdf; name="bill.pdf"',
    Content_Disposition='attachment; filename="bill.pdf"',
    Content_Transfer_Encoding="base64",
)
