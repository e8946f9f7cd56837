"""The programme in the back office."""

import pytest

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
