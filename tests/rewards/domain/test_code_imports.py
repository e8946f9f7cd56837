"""Codes of an older system."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from customers.models import AuditEvent
from loyalty_site.lib.actors import SYSTEM
from rewards.domain import code_imports, coupons
from rewards.models import CodeBatch, Coupon
from tests.factories.customers import CustomerFactory
from tests.factories.rewards import CouponFactory, OfferFactory, ProgramFactory

pytestmark = pytest.mark.django_db
ZONE = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def offer(db):
    ProgramFactory(timezone="Asia/Shanghai")
    return OfferFactory()


@pytest.fixture
def bring(offer, now):
    def bring(text, **told):
        content = text if isinstance(text, bytes) else text.encode()
        return code_imports.bring(
            **{"offer": offer, "name": "old.csv", "content": content, "by": SYSTEM, "at": now, **told}
        )

    return bring


def faults(report):
    return [(fault.line, fault.column, str(fault.reason)) for fault in report.faults]


def test_codes_are_taken_as_they_are(offer, bring, now):
    holder = CustomerFactory(number="C7K294QX", email="a@example.org")
    report = bring(
        "code,customer,expires_at,uses\n"
        "summer-2019,,,\n"
        "O0I1 LL,C7K2-94QX,2026-12-31,3\n"
        "X99999,A@example.org,2026-12-31T10:00:00+08:00,\n"
    )
    assert (report.rows, report.made, report.known, report.faults) == (3, 3, 0, [])
    assert (report.batch.origin, report.batch.count, report.batch.body_length) == ("old.csv", 3, 0)
    first, second, third = Coupon.objects.order_by("pk")
    assert (first.code, first.display_code, first.customer, first.uses_max) == ("SUMMER2019", "SUMMER2019", None, 1)
    assert (second.code, second.customer, second.uses_max) == ("O0I1LL", holder, 3)
    assert second.expires_at == datetime(2027, 1, 1, tzinfo=ZONE)
    assert (third.customer, third.expires_at) == (holder, datetime(2026, 12, 31, 10, tzinfo=ZONE))
    assert AuditEvent.objects.get().action == "code_batch.imported"


def test_customer_is_found_on_each_line_however_it_is_written(bring):
    CustomerFactory(number="C7K294QX", email="a@example.org")
    texts = ("C7K294QX", "c7k2-94qx", "a@example.org", "A@Example.org")
    report = bring("code,customer\n" + "".join(f"SUMMER{n},{text}\n" for n, text in enumerate(texts)))
    assert (report.made, report.faults) == (4, [])


def test_they_are_found_however_they_are_written(bring):
    bring("code\nSummer-2019\n")
    for text in ("summer2019", " SUMMER 2019 ", "Summer–2019", "SUM-MER-20.19"):
        assert coupons.find(text=text).code == "SUMMER2019"


def test_while_they_are_about_no_code_is_called_mistyped(bring):
    with pytest.raises(coupons.CouponMistyped):
        coupons.find(text="WINTER2019")
    bring("code\nSUMMER2019\n")
    with pytest.raises(coupons.CouponUnknown):
        coupons.find(text="WINTER2019")


def test_each_fault_is_named_by_its_line_and_nothing_is_done(offer, bring):
    CouponFactory(code="PUBLIC10", is_public=True, offer=offer)
    CouponFactory(code="OTHER100", offer=OfferFactory())
    CouponFactory(code="MADEHERE", offer=offer)
    report = bring(
        "code;customer;expires_at;uses\n"
        "GOOD1234;;;\n"
        "good-1234;;;\n"
        ";;;2\n"
        "\n"
        "A/B?;;;\n"
        "ABC;;;\n"
        "GOOD2222;nobody@example.org;31.12.2026;0\n"
        "GOOD3333;;2020-01-01;\n"
        "GOOD4444;;2026-02-30;many\n"
        "public10;;;\n"
        "other100;;;\n"
        "madehere;;;\n"
        "GOOD5555;;;;extra\n"
    )
    shape = "has 4 to 40 letters A–Z and digits, beside spaces and dashes"
    date, whole = "is no date like 2027-01-31", "is no whole number from 1 to 1000000"
    assert faults(report) == [
        (3, "code", "stands in line 2 already"),
        (4, "code", "is missing"),
        (6, "code", shape),
        (7, "code", shape),
        (8, "customer", "is not known"),
        (8, "expires_at", date),
        (8, "uses", whole),
        (9, "expires_at", "is over already"),
        (10, "expires_at", date),
        (10, "uses", whole),
        (11, "code", "is a public code already"),
        (12, "code", "is a coupon of another offer already"),
        (13, "code", "is a coupon that was made here"),
        (14, "", "more cells than the header has"),
    ]
    assert report.batch is None
    assert Coupon.objects.count() == 3


def test_skipped_duplicates_are_reported(bring):
    """As people missed elsewhere: https://github.com/saleor/saleor/issues/13714"""
    report = bring("code\nAAAA1111\nBBBB2222\naaaa-1111\n", leave_out_faults=True)
    assert (report.made, faults(report)) == (2, [(4, "code", "stands in line 2 already")])


def test_a_duplicate_is_no_server_error(bring):
    """As it was elsewhere: https://github.com/pretix/pretix/issues/2246"""
    CouponFactory(code="AAAA1111")
    report = bring("code\nAAAA1111\n")
    assert faults(report) == [(2, "code", "is a coupon of another offer already")]


def test_the_same_file_again_changes_nothing(bring):
    text = "code,expires_at\nAAAA1111,2026-12-31\nBBBB2222,\n"
    bring(text)
    report = bring(text)
    assert (report.made, report.known, report.faults, CodeBatch.objects.count()) == (0, 2, [], 1)
    report = bring(text + "CCCC3333,\n")
    assert (report.made, report.known, Coupon.objects.count()) == (1, 2, 3)


def test_one_that_was_made_meanwhile_undoes_all(bring, monkeypatch):
    CouponFactory(code="BBBB2222")
    monkeypatch.setattr(code_imports, "_known", lambda wanted: {})
    with pytest.raises(code_imports.CodesChangedMeanwhile):
        bring("code\nAAAA1111\nBBBB2222\n")
    assert (Coupon.objects.count(), CodeBatch.objects.count()) == (1, 0)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "its first line has no column “code”."),
        (b"coupon\nA\n", "its first line has no column “code”."),
        (b"code,price\nA,1\n", "its columns are code, customer, expires_at, uses; not: price"),
        (b"code,code\nA,1\n", "its columns are code, customer, expires_at, uses; not: code, code"),
        (b"code\nA\0B\n", "save it as “CSV UTF-8”."),
        (b"\xff\xff\xff", "save it as “CSV UTF-8”."),
        (b'code\n"AB\n', "line 2: unexpected end of data"),
        (b"code\n" + b"A" * (10 * 1024 * 1024), "it is larger than 10 MB."),
    ],
)
def test_what_cannot_be_read_says_why(bring, content, why):
    with pytest.raises(code_imports.CodeFileUnreadable) as refused:
        bring(content)
    assert refused.value.details == {"why": why}


def test_chinese_and_spreadsheets_files_are_read(bring):
    CustomerFactory(number="C7K294QX")
    assert bring("\ufeffcode\r\nAAAA1111\r\n".encode()).made == 1
    assert faults(bring("code\n春天2019\n".encode("gb18030")))[0][:2] == (2, "code")
