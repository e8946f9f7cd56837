import pytest
from django.core.checks import run_checks

from rewards.models import Program
from tests.factories.rewards import ProgramFactory


@pytest.fixture
def production(settings):
    settings.DEBUG = False
    settings.BASE_URL = "https://club.shop.test-corner.com"
    settings.DEFAULT_FROM_EMAIL = "Corner <hello@test-corner.com>"
    return settings


def said(**asked):
    """The ids of what is said about mails."""
    return [warning.id for warning in run_checks(**asked) if (warning.id or "").startswith("mail.")]


@pytest.mark.parametrize(
    "sender",
    [
        "Loyalty Site <hello@example.org>",
        "hi@mail.example.com",
        "hi@shop.example",
        "hi@localhost",
        "nobody",
        "hi@x.TEST",
    ],
)
def test_sender_that_nobody_owns_is_told(production, sender):
    production.DEFAULT_FROM_EMAIL = sender
    assert said(tags=["mail"]) == ["mail.W001"]


def test_sender_of_mails_that_stay_in_the_outbox_is_nobodys_matter(production):
    production.DEFAULT_FROM_EMAIL = "Loyalty Site <hello@example.org>"
    production.EMAIL_BACKEND = "loyalty_site.outbox.OutboxBackend"
    assert said(tags=["mail"]) == []


@pytest.mark.parametrize(
    ("sender", "site", "ids"),
    [
        ("hello@shop.com", "https://shop.com", []),
        ("hello@shop.com", "https://club.shop.com:8443", []),
        ("hello@news.shop.com", "https://club.shop.com", []),
        ("hello@news.shop.co.uk", "https://club.shop.co.uk", []),
        ("hello@shop.com.cn", "https://club.shop.com.cn", []),
        ("hello@other.co.uk", "https://shop.co.uk", ["mail.W002"]),
        ("hello@other.com.cn", "https://shop.com.cn", ["mail.W002"]),
        ("hello@workshop.com", "https://shop.com", ["mail.W002"]),
        ("hello@shop.net", "https://shop.com", ["mail.W002"]),
    ],
)
def test_sender_unlike_the_site_is_told(production, sender, site, ids):
    production.DEFAULT_FROM_EMAIL, production.BASE_URL = sender, site
    assert said(tags=["mail"]) == ids


def test_missing_postal_address_is_told_when_the_database_may_be_asked(production, db):
    ProgramFactory()
    assert said() == []
    assert said(databases=["default"]) == ["mail.W003"]
    Program.objects.update(postal_address="1 Orchard Road")
    assert said(databases=["default"]) == []


def test_nothing_is_said_while_it_is_tried_out(production, db):
    production.DEBUG = True
    production.DEFAULT_FROM_EMAIL = "hello@example.org"
    assert said(databases=["default"]) == []
