"""Coupons redeemed per second: each another one, and all of one offer whose budget ends before the coupons do."""

from collections.abc import Callable, Iterator
from functools import partial

from benchmarks import rows as make
from benchmarks.clients import Calls, Clients
from benchmarks.measure import Row, Scale, side_by_side
from benchmarks.scenarios import settle
from benchmarks.site import FEW, Site

TARGET = 0.60
CLIENTS = (1, 4, 16)
MOST_PER_SECOND = {1: 3500, 4: 2000, 16: 700}
HOT_CLIENTS = 64
HOT_MOST_PER_SECOND = 60

SCRIPT = r"""
\set n :n + 1
\set coupon :start + :client_id * :each + :n
SELECT {name}(:coupon);
"""
# A conditional update and an insert. Ours looks the terms up, and counts in the offer and in the customer's tally too.
REDEEM = """
CREATE FUNCTION bench_coupon(p_coupon bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_coupon rewards_coupon;
BEGIN
    UPDATE rewards_coupon SET state = 'REDEEMED', uses_count = 1 WHERE id = p_coupon AND state = 'ISSUED'
    RETURNING * INTO v_coupon;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'coupon % is not to be had', p_coupon;
    END IF;
    INSERT INTO rewards_couponredemption (coupon_id, offer_id, customer_id, discount_minor, redeemed_at, redeemed_by,
                                          rolled_back_by, reason)
    VALUES (p_coupon, v_coupon.offer_id, v_coupon.customer_id, 0, now(), 'system', '', '');
END $$
"""
# The same purchase as in `settle`, as long as the budget of the offer allows it.
BUDGETED = """
CREATE FUNCTION bench_budgeted(p_customer bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM rewards_coupon coupon JOIN rewards_offer offer ON offer.id = coupon.offer_id
               WHERE coupon.id = p_customer AND redeemed_minor + 100 <= budget_minor FOR UPDATE OF offer) THEN
        PERFORM bench_settle(p_customer);
    END IF;
END $$
"""


def rows(site: Site, scale: Scale) -> Iterator[Row]:
    yield from _distinct(site, scale)
    yield _hot(site, scale)


def _distinct(site: Site, scale: Scale) -> Iterator[Row]:
    numbers = scale.clients(*CLIENTS)
    each = {clients: FEW + round(MOST_PER_SECOND[clients] * scale.seconds) for clients in numbers}
    with site.database() as database:
        make.programme()
        make.customers(database, 2 * scale.rounds * sum(clients * each[clients] for clients in numbers) + 1)
        make.coupons(database, each=500, kind="GIFT", amount_minor=None)
        database.execute(REDEEM)
        start = 0
        for number in numbers:
            with Clients(number) as clients:
                yield _row(site, scale, clients, number, each[number], start)
            start += 2 * scale.rounds * number * each[number]


def _row(site: Site, scale: Scale, clients: Clients, number: int, each: int, start: int) -> Row:
    def limit(turn: int) -> float:
        first = start + 2 * turn * number * each
        script = SCRIPT.format(name="bench_coupon")
        return site.pgbench(script, clients=number, seconds=scale.seconds, n=0, start=first, each=each)

    def ours(turn: int) -> float:
        first = start + (2 * turn + 1) * number * each
        slices = [(first + client * each, each) for client in range(number)]
        return clients.rate(gifts, slices, seconds=scale.seconds)

    return side_by_side(
        work=f"distinct coupons redeemed, {number} client{'s' * (number > 1)}",
        beside="pgbench, one prepared function: conditional update, insert",
        limit=limit,
        ours=ours,
        unit="/s",
        target=TARGET,
        scale=scale,
    )


def gifts(after: int, number: int) -> Calls:
    """Gifts handed over for the coupons with ids above `after`."""
    from loyalty_site.lib.actors import SYSTEM
    from rewards.domain import coupon_redemptions
    from rewards.models import Coupon

    found = Coupon.objects.filter(pk__gt=after, pk__lte=after + number).select_related("offer", "customer")
    for coupon in found.order_by("pk"):
        yield partial(coupon_redemptions.redeem, coupon=coupon, customer=coupon.customer, by=SYSTEM, at=make.AT)


def _hot(site: Site, scale: Scale) -> Row:
    """Each turn has an offer of its own. The budget of one more ends amid the tries, and is counted."""
    each = FEW + round(HOT_MOST_PER_SECOND * scale.seconds)
    [number] = scale.clients(HOT_CLIENTS)
    a_round = number * each
    turns = 2 * scale.rounds
    budget = 100 * 3 * number
    with site.database() as database:
        make.programme()
        make.customers(database, (turns + 1) * a_round)
        make.coupons(database, each=a_round, budget_minor=100 * a_round)
        database.execute("UPDATE rewards_coupon SET offer_id = 1 + (id - 1) / %s", [a_round])
        database.execute("UPDATE rewards_offer SET budget_minor = %s WHERE id = %s", [budget, turns + 1])
        database.execute(settle.FUNCTION)
        database.execute(BUDGETED)

        def limit(turn: int) -> float:
            script, start = SCRIPT.format(name="bench_budgeted"), 2 * turn * a_round
            return site.pgbench(script, clients=number, seconds=scale.seconds, n=0, start=start, each=each)

        with Clients(number) as clients:

            def tried(turn: int, seconds: float) -> float:
                slices = [(turn * a_round + client * each, each) for client in range(number)]
                return clients.rate(budgeted, slices, seconds=seconds)

            row = side_by_side(
                work=f"purchases with coupons of one offer with a budget, {number} clients",
                beside="pgbench, one prepared function that writes the same rows while the budget lasts",
                limit=limit,
                ours=lambda turn: tried(2 * turn + 1, scale.seconds),
                unit="/s",
                target=TARGET,
                scale=scale,
            )
            tried(turns, 0.01)
        return row.noted(_exactness(turns + 1, budget))


def budgeted(after: int, number: int) -> Calls:
    """Purchases as in `settle`; what is refused for the budget is not told again."""
    from rewards.domain.offers import OfferBudgetSpent

    def tried(purchase: Callable[[], object]) -> None:
        try:
            purchase()
        except OfferBudgetSpent:
            return

    for call in settle.settlements(after, number):
        yield partial(tried, call)


def _exactness(offer: int, budget: int) -> str:
    """What the books say of the offer whose budget ended. RuntimeError when it gave more or less than that."""
    from django.db.models import Count, Sum

    from rewards.models import Offer

    found = Offer.objects.annotate(made=Count("redemptions"), off=Sum("redemptions__discount_minor")).get(pk=offer)
    if not found.redeemed_minor == found.off == budget or found.redeemed_count != found.made:
        raise RuntimeError(f"of a budget of {budget}, {found.redeemed_minor} counts and {found.off} was given")
    return f"a budget of {budget / 100:,.2f}, with more tries than it covers, was given to the last cent and not passed"
