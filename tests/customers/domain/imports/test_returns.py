from datetime import UTC, datetime
from decimal import Decimal

from customers.domain.imports import returns
from customers.domain.imports.returns import Bought, Goods, Returned

MILK = Goods(customer=1, store=1, sku=1)


def bought(day, quantity=1, amount_minor=100, *, goods=MILK, receipt=None, purchase=None, position=1):
    at = datetime(2026, 5, day, tzinfo=UTC)
    return Bought(receipt, goods, at, purchase or day, position, Decimal(quantity), amount_minor)


def returned(day, quantity=1, amount_minor=100, *, goods=MILK, receipt=50, row=2):
    return Returned(receipt, goods, datetime(2026, 5, day, tzinfo=UTC), row, Decimal(quantity), amount_minor)


def plan(backs, *lines):
    made = returns.plan(returned=backs, bought=lines)
    return {row: line.purchase for row, (_, line) in made.matches.items()}, made.refused, made.refused_receipts


def test_the_latest_earlier_line_is_taken():
    assert plan([returned(5)], bought(1), bought(3), bought(5), bought(8)) == ({2: 3}, {}, set())


def test_a_line_without_enough_left_is_passed_over():
    assert plan([returned(5, 2)], bought(1, 2), bought(3, 1)) == ({2: 1}, {}, set())
    assert plan([returned(5, 1, 101)], bought(1, 1, 101), bought(3, 9, 100)) == ({2: 1}, {}, set())


def test_goods_of_others_stores_and_skus_do_not_fit():
    others = [Goods(2, 1, 1), Goods(1, 2, 1), Goods(1, 1, 2)]

    assert plan([returned(5)], *[bought(1, goods=goods) for goods in others]) == (
        {},
        {2: "return_without_purchase"},
        {50},
    )


def test_nobodys_return_fits_nothing():
    nobody = Goods(None, 1, 1)

    assert plan([returned(5, goods=nobody)], bought(1, goods=nobody))[1] == {2: "return_without_customer"}


def test_earlier_returns_take_first():
    backs = [returned(6, receipt=60, row=2), returned(5, receipt=50, row=3), returned(7, receipt=70, row=4)]

    assert plan(backs, bought(1), bought(3)) == ({3: 3, 2: 1}, {4: "return_without_purchase"}, {70})


def test_a_refused_receipt_gives_back_what_its_other_rows_took():
    bread = MILK._replace(sku=2)
    backs = [returned(5, row=2), returned(5, goods=bread, row=3), returned(6, receipt=60, row=4)]

    assert plan(backs, bought(1)) == ({4: 1}, {3: "return_without_purchase"}, {50})


def test_goods_of_a_refused_receipt_cannot_come_back():
    bread = MILK._replace(sku=2)
    backs = [returned(5, goods=bread, row=2), returned(6, receipt=60, row=3)]

    assert plan(backs, bought(5, receipt=50)) == (
        {},
        {2: "return_without_purchase", 3: "return_without_purchase"},
        {50, 60},
    )


def test_parts_come_back_until_nothing_is_left():
    backs = [returned(5 + n, 1, 33, receipt=50 + n, row=2 + n) for n in range(4)]

    assert plan(backs, bought(1, 3, 99)) == ({2: 1, 3: 1, 4: 1}, {5: "return_without_purchase"}, {53})
