"""What every request passes."""

import pytest
from django.contrib.sessions.middleware import SessionMiddleware

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("query", ["q=%00", "state__exact=a%00b"])
def test_nul_in_the_query_finds_nothing_and_breaks_nothing(admin_client, query):
    assert admin_client.get(f"/admin/rewards/coupon/?{query}").status_code == 200


def test_pages_are_under_a_strict_policy_and_the_back_office_under_its_own(client, admin_client):
    assert "unsafe" not in client.get("/sign-in/").headers["Content-Security-Policy"]
    policy = admin_client.get("/admin/").headers["Content-Security-Policy"]
    assert "'unsafe-eval'" in policy
    assert "frame-ancestors 'none'" in policy


def test_calls_of_the_api_go_past_what_only_pages_need(client, monkeypatch):
    used = []

    def process_response(self, request, response):
        used.append(request.path)
        return response

    monkeypatch.setattr(SessionMiddleware, "process_response", process_response)
    answer = client.get("/api/v1/rewards", headers={"Accept-Language": "zh-hans"})
    assert (answer.status_code, answer["Content-Type"], used) == (401, "application/problem+json", [])
    assert (answer["X-Frame-Options"], answer["Content-Language"]) == ("DENY", "zh-hans")
    assert int(answer["Content-Length"]) == len(answer.content)
    assert "Cookie" not in answer["Vary"]
    client.get("/healthz")
    assert used == ["/healthz"]


def test_api_is_served_under_the_sites_own_names_only(client):
    answer = client.get("/api/v1/rewards", headers={"Host": "elsewhere.example.org"})
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
