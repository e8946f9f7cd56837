"""Whatever is sent to a running server, its answer is one that the description tells of, and never a 500.

`make fuzz` runs it for longer, by FUZZ_EXAMPLES.
"""

import json
import os
import subprocess
import sys
from datetime import timedelta

import pytest
from django.utils import timezone

from loyalty_site.lib import actors
from rewards.domain import coupon_books, ledger, points
from rewards.models import OfferKind
from tests.factories.rewards import CouponFactory, OfferFactory, RewardFactory
from tests.loyalty_site.api.calling import basket

EXAMPLES = os.environ.get("FUZZ_EXAMPLES", "5")
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
    "ignored_auth",
)
SCHEMATHESIS = "import sys; from schemathesis.cli import schemathesis; sys.argv[0] = 'schemathesis'; schemathesis()"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clock():
    """The server's calls are made by real time."""


def configuration(known):
    """Often what exists, by the name of the parameter; else whatever comes to Schemathesis' mind."""
    lines = []
    for name, (values, parameters) in known.items():
        lines.append(f"[dictionaries.{name}]\nvalues = {json.dumps(values)}")
        bound = f'{{ dictionary = "{name}", probability = 0.7 }}'
        lines.insert(0, "\n".join(f'"{parameter}" = {bound}' for parameter in parameters))
    return "[parameters]\n" + "\n".join(lines)


def test_server_answers_everything_as_described(live_server, till, mia, settings, tmp_path):
    settings.TILL_RATE_PER_MINUTE = 10**9
    now = timezone.now()
    points.award(customer=mia, points=10**6, reference="gift", by=actors.SYSTEM, at=now - timedelta(days=1))
    bought = till.post("purchases", basket(customer=mia.number)).json()
    held = [till.post("customers/C7K2-94QX/holds", {"points": 5, "seconds": 600}).json()["id"] for _ in range(3)]
    reward = str(RewardFactory(cost_points=1).pk)
    taken = till.post("customers/C7K2-94QX/redemptions", {"reward": reward}).json()
    coupons = [CouponFactory().display_code for _ in range(5)]
    gift = CouponFactory(offer=OfferFactory(kind=OfferKind.GIFT, amount_minor=None))
    handed = till.post(f"coupons/{gift.code}/redeem").json()["id"]
    kept = till.post(f"coupons/{coupons[0]}/hold", {"seconds": 600}).json()["id"]
    known = {
        "numbers": (["C7K2-94QX"], ["path.number", "body.customer"]),
        "ids": (sorted({bought["id"], taken["id"], handed, kept, *held}), ["path.id"]),
        "codes": (coupons, ["path.code", "body.coupons"]),
        "rewards": ([reward], ["body.reward"]),
    }
    (tmp_path / "schemathesis.toml").write_text(configuration(known))

    fuzzed = subprocess.run(
        [
            *(sys.executable, "-c", SCHEMATHESIS, "--config-file", "schemathesis.toml"),
            *("run", f"{live_server.url}/api/v1/openapi.json", "--header", f"Authorization: Bearer {till.secret}"),
            *("--phases", "examples,fuzzing", "--max-examples", EXAMPLES, "--checks", ",".join(CHECKS)),
            *("--suppress-health-check", "all", "--generation-database", "none", "--continue-on-failure"),
            *("--no-shrink", "--warnings", "off", "--no-color"),
        ],
        cwd=tmp_path,
        env=os.environ | {"PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert fuzzed.returncode == 0, fuzzed.stdout[-20_000:] + fuzzed.stderr[-5_000:]
    assert (list(ledger.differences()), coupon_books.differences()) == ([], [])
