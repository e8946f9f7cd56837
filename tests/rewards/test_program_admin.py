"""The programme in the back office."""

import io

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection
from PIL import Image

from loyalty_site.lib import colors
from loyalty_site.lib.constraints import Luminance
from rewards.models import Program
from tests.factories.customers import UserFactory
from tests.factories.rewards import ProgramFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client):
    client.member = UserFactory(is_superuser=True, password=None)
    client.force_login(client.member)
    return client


def errors(answer):
    return answer.context["adminform"].form.errors


def tell_programme(staff, **told):
    program = ProgramFactory()
    form = {
        "name": "Orchard",
        "timezone": "Asia/Shanghai",
        "currency": "CNY",
        "point_value_minor": "0.02",
        "pending_days": "3",
        "shortfall_policy": "DEBT",
        "customer_cancel_hours": "24",
        "adjustment_threshold": "",
        "expiry_policy": "NEVER",
        "expiry_months": "12",
        "expiry_period_end": "MONTH",
        "expiry_days": "12-31",
        "mail_max": "",
        "mail_days": "7",
        "tier_basis": "POINTS",
        "tier_window": "ROLLING",
        "tier_months": "12",
        "tier_grace_days": "30",
        "tier_downgrade": "ONE_DOWN",
        "brand_color": "#14614f",
    }
    page = staff.post(f"/admin/rewards/program/{program.pk}/change/", form | told)
    return Program.objects.get(), page.context and page.context["adminform"].form.errors


def test_programme_takes_the_value_of_a_point_in_money(staff):
    program, _ = tell_programme(staff)
    assert (program.name, program.timezone, program.point_value_minor) == ("Orchard", "Asia/Shanghai", 2)
    assert program.adjustment_threshold is None


def test_programme_takes_fixed_days_on_which_points_lapse(staff):
    program, _ = tell_programme(staff, expiry_policy="FIXED", expiry_months="0", expiry_days="06-30, 02-29")
    assert (program.expiry_policy, program.expiry_months, program.expiry_days) == ("FIXED", 0, "06-30, 02-29")


@pytest.mark.parametrize("policy", ["ROLLING", "INACTIVITY"])
def test_programme_needs_a_month_before_points_lapse(staff, policy):
    program, errors = tell_programme(staff, expiry_policy=policy, expiry_months="0")
    assert errors == {"expiry_months": ["Give at least one month; only with fixed days there may be none."]}
    assert (program.expiry_policy, program.expiry_months) == ("NEVER", 12)
    program.delete()
    assert tell_programme(staff, expiry_policy=policy, expiry_months="1")[0].expiry_policy == policy


def test_programme_without_lapse_asks_for_no_months(staff):
    assert tell_programme(staff, expiry_policy="NEVER", expiry_months="0")[0].expiry_months == 12


@pytest.mark.parametrize("days", ["31-12", "02-30", "12-31;06-30", ""])
def test_programme_refuses_days_that_are_none(staff, days):
    program, errors = tell_programme(staff, expiry_policy="FIXED", expiry_days=days)
    assert list(errors) == ["expiry_days"]
    assert program.expiry_days == "12-31"


def test_programme_decides_about_tiers_and_tax(staff):
    tiers = {
        "tier_basis": "SPEND",
        "tier_window": "CALENDAR_YEAR",
        "tier_downgrade": "REASSESS",
        "brand_color": "#14614f",
        "tier_grace_days": "7",
    }
    program, errors = tell_programme(staff, **tiers, earns_on_tax="on")
    assert (errors, program.earns_on_tax) == (None, True)
    assert (program.tier_basis, program.tier_window, program.tier_downgrade, program.tier_grace_days) == (
        "SPEND",
        "CALENDAR_YEAR",
        "REASSESS",
        7,
    )


def test_programme_can_leave_tax_out(staff):
    assert tell_programme(staff)[0].earns_on_tax is False


def test_programme_takes_a_color_that_can_be_read(staff):
    program, _ = tell_programme(staff, brand_color="#B00020")
    assert program.brand_color == "#b00020"


@pytest.mark.parametrize(
    ("color", "refusal"),
    [
        ("#f2b544", "Too pale to be read: its contrast is 1.65 to 1, and 4.5 are needed. Take a darker one."),
        ("#9c56a0", "Too pale to be read: its contrast is 4.45 to 1, and 4.5 are needed. Take a darker one."),
        ("red", "A color is written like #14614f."),
    ],
)
def test_programme_refuses_a_color_that_cannot(staff, color, refusal):
    program, told = tell_programme(staff, brand_color=color)
    assert (told["brand_color"], program.brand_color) == ([refusal], "#14614f")


@pytest.mark.parametrize("color", ["#9c56a0", "#ffffff", "#f2b544", "#14614F", "#14614", "", "#14614g"])
def test_database_refuses_the_same_colors(db, color):
    ProgramFactory()
    with pytest.raises(IntegrityError, match="program_brand_color_is_readable"):
        Program.objects.update(brand_color=color)


def test_forms_are_told_before_the_database_is(db):
    Program(brand_color="#9c559f").validate_constraints()
    with pytest.raises(ValidationError, match="program_brand_color_is_readable"):
        Program(brand_color="#9c56a0").validate_constraints()


@pytest.mark.parametrize("color", ["#9c559f", "#000000", "#0a0b0a", "#14614f"])
def test_database_takes_the_others(db, color):
    ProgramFactory(brand_color=color)
    assert Program.objects.get().palette.light.brand == color


def test_database_reckons_the_light_of_a_color_as_we_do(db):
    with connection.cursor() as cursor:
        for color in ("#000000", "#ffffff", "#0a0b0c", "#9c559f", "#14614f"):
            sql = Luminance.template % {"expressions": "%(color)s"}
            cursor.execute(f"SELECT {sql}", {"color": color})
            assert float(cursor.fetchone()[0]) == pytest.approx(colors.luminance(color), abs=1e-6)


def logo():
    out = io.BytesIO()
    Image.new("RGB", (300, 90), (176, 0, 32)).save(out, "PNG")
    out.seek(0)
    out.name = "logo.png"
    return out


def test_logo_is_set_shown_and_removed(staff):
    page = f"/admin/rewards/program/{ProgramFactory(name='Tea & Co').pk}"
    assert "remove_logo" not in staff.get(f"{page}/change/").text
    assert staff.post(f"{page}/set_logo/", {"file": logo()}).status_code == 302
    picture = Program.objects.get().logo_id
    assert f'src="/rewards/pictures/{picture}.webp" alt="Tea &amp; Co"' in staff.get(f"{page}/change/").text
    assert f'src="/rewards/pictures/{picture}.webp" alt="Tea &amp; Co"' in staff.get("/sign-in/").text
    assert staff.post(f"{page}/remove_logo/").status_code == 302
    assert Program.objects.get().logo_id is None


def test_sample_shows_the_color_that_is_typed(staff):
    ProgramFactory(name="Orchard")
    answer = staff.post("/admin/rewards/program/preview/", {"name": "Orchard", "brand_color": "#b00020"}).json()
    assert sorted(answer["mails"]) == ["en", "zh-hans"]
    assert "background-color: #b00020" in answer["mails"]["en"]
    assert "Tea for two: yours until" in answer["mails"]["en"]
    refused = staff.post("/admin/rewards/program/preview/", {"name": "Orchard", "brand_color": "#f2b544"}).json()
    assert refused["problem"].startswith("Too pale to be read")
    assert Program.objects.get().brand_color == "#14614f"


def test_pages_are_in_the_color_of_the_programme(client, db):
    ProgramFactory()
    assert "/brand/" not in client.get("/sign-in/").text
    Program.objects.update(brand_color="#b00020")
    assert '<link rel="stylesheet" href="/brand/b00020.css">' in client.get("/sign-in/").text
    sheet = client.get("/brand/b00020.css")
    assert sheet.headers["Content-Type"] == "text/css; charset=utf-8"
    assert "--ly-brand-rgb: 176, 0, 32;" in sheet.text
    assert sheet.text.count("{") == sheet.text.count("}") == 3


@pytest.mark.parametrize("name", ["b0002", "B00020", "b00020b", "red", "b0002-"])
def test_what_is_no_color_has_no_stylesheet(client, db, name):
    assert client.get(f"/brand/{name}.css").status_code == 404
