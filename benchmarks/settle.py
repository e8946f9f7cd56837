"""Purchases settled per second through the domain: 4 lines, one coupon, points; distinct customers.

    python -m benchmarks.settle [--purchases 500] [--clients 1 4] [--queries]

Runs on an embedded PostgreSQL of its own, as durable as production's, in a directory that is removed afterwards.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

AT = datetime(2026, 5, 20, 10, 30, tzinfo=UTC)
SKUS = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--purchases", type=int, default=500, help="for each client")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--queries", action="store_true", help="print the statements of one purchase")
    parser.add_argument("--client", help=argparse.SUPPRESS)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "loyalty_site.settings")
    if options.client:
        run_client(options.client, options.purchases, options.queries)
        return
    with tempfile.TemporaryDirectory(prefix="loyalty-bench-") as place:
        Path(place).chmod(0o711)
        os.environ["LOYALTY_VAR"] = f"{place}/var"
        from loyalty_site import embedded

        with embedded.running(Path(place, "var"), redis=False):
            run_all(options)


def run_all(options: argparse.Namespace) -> None:
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], check=True)
    for clients in options.clients:
        command = [sys.executable, "-m", "benchmarks.settle", "--purchases", str(options.purchases)]
        command += ["--queries"] if options.queries else []
        children = [
            subprocess.Popen([*command, "--client", f"{clients}-{n}"], stdout=subprocess.PIPE, text=True)
            for n in range(clients)
        ]
        told = [child.communicate()[0].split() for child in children]
        rate = sum(float(words[-2]) for words in told)
        median = statistics.median(float(words[-1]) for words in told)
        print(f"{clients} clients: {rate:.0f} purchases a second, {median:.2f} ms each at the median")
        if options.queries:
            print(" ".join(told[0][:-2]))


def run_client(name: str, count: int, show_queries: bool) -> None:
    import django

    django.setup()
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    told = list(baskets(name, count + 20))
    for purchase in told[:20]:
        settle(purchase)
    if show_queries:
        with CaptureQueriesContext(connection) as captured:
            settle(told.pop())
        print("\n".join(f"{query['time']} {query['sql'][:150]}" for query in captured.captured_queries))
    times = []
    started = time.perf_counter()
    for purchase in told[20:]:
        before = time.perf_counter()
        settle(purchase)
        times.append(time.perf_counter() - before)
    print(len(times) / (time.perf_counter() - started), statistics.median(times) * 1000)


def settle(told):
    from loyalty_site.lib.actors import SYSTEM
    from rewards.domain import checkout

    purchase, store = told
    checkout.settle(purchase=purchase, store=store, till=None, by=SYSTEM, at=AT)


def baskets(name: str, count: int):
    """Baskets of known goods, each with a coupon of its own in the customer's hand."""
    from customers.domain.purchases import LineIn
    from customers.models import Customer, Product, Store
    from loyalty_site.lib import codes
    from rewards.domain.checkout import PurchaseIn
    from rewards.models import Coupon, EarningRule, Offer, Program

    store, _ = Store.objects.get_or_create(code="S", defaults={"name": "Store"})
    Product.objects.bulk_create([Product(sku=f"{n}", name=f"{n}") for n in range(SKUS)], ignore_conflicts=True)
    Program.objects.get_or_create(only=True)
    rule = {"name": "Base", "kind": "BASE", "points": 1, "per_minor": 100, "valid_from": AT}
    EarningRule.objects.get_or_create(code="base", version=1, defaults=rule)
    live = {"title": {"en": name}, "kind": "AMOUNT", "amount_minor": 100, "valid_from": AT, "published_at": AT}
    offer = Offer.objects.create(**live)
    customers = Customer.objects.bulk_create(
        Customer(number=codes.generate(length=8), name=f"{n}", enrolled_at=AT) for n in range(count)
    )
    coupons = Coupon.objects.bulk_create(
        Coupon(code=codes.generate(length=12), offer=offer, customer=one, reference=f"b:{one.pk}", issued_at=AT)
        for one in customers
    )
    for n, (customer, coupon) in enumerate(zip(customers, coupons, strict=True)):
        lines = [LineIn(f"{(n * 7 + i) % SKUS}", "", "", Decimal(1), 1000 + i) for i in range(4)]
        yield PurchaseIn(f"R-{name}-{n}", customer, AT, "CNY", lines, (coupon.code,)), store


if __name__ == "__main__":
    main()
