"""What every request passes."""

import pytest

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("query", ["q=%00", "state__exact=a%00b"])
def test_nul_in_the_query_finds_nothing_and_breaks_nothing(admin_client, query):
    assert admin_client.get(f"/admin/rewards/coupon/?{query}").status_code == 200


def test_pages_are_under_a_strict_policy_and_the_back_office_under_its_own(client, admin_client):
    assert "unsafe" not in client.get("/sign-in/").headers["Content-Security-Policy"]
    policy = admin_client.get("/admin/").headers["Content-Security-Policy"]
    assert "'unsafe-eval'" in policy
    assert "frame-ancestors 'none'" in policy
