from datetime import timedelta

import pytest
from django.db import connection

from customers.models import Customer, Purchase
from loyalty_site.lib.actors import SYSTEM
from rewards.domain import experiments, merges, points, surprises
from rewards.domain.experiments import reports
from rewards.domain.experiments.reports import Given
from rewards.domain.statistics import Moments, Size
from rewards.models import Arm, Assignment, Coupon, ExperimentKind, Mailing, MailingMail, OfferKind, Surprise
from tests import fuzz
from tests.factories.customers import CustomerFactory, PurchaseFactory
from tests.factories.rewards import (
    CouponFactory,
    CouponRedemptionFactory,
    ExperimentFactory,
    OfferFactory,
    ProgramFactory,
    SurpriseRuleFactory,
)

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
MANY = 100_000 if fuzz.FUZZ_STEPS else 10_000


@pytest.fixture
def experiment(now):
    ProgramFactory(currency="CNY")
    return ExperimentFactory(holdout_percent=50, started_at=now)


def put(experiment, arm, at, customer=None):
    """In an arm of the test's choice."""
    customer = customer or CustomerFactory()
    Assignment.objects.create(experiment=experiment, customer=customer, arm=arm, assigned_at=at, occasion="test:1")
    return customer


def buy(customer, at, minor, **values):
    return PurchaseFactory(customer=customer, purchased_at=at, total_minor=minor, **values)


def moments(*values):
    return Moments(len(values), sum(values), sum(v**2 for v in values), sum(v**3 for v in values))


def test_each_window_counts_what_was_bought_after_the_assignment(experiment, now):
    one, two, held_out = (put(experiment, arm, now) for arm in (Arm.TREATED, Arm.TREATED, Arm.HOLDOUT))
    buy(one, now, 9_999)  # what led to the assignment
    buy(one, now + SECOND, 100)
    buy(one, now + 7 * DAY, 1_000)
    buy(one, now + 7 * DAY + SECOND, 20)
    buy(one, now + 30 * DAY, 30)
    buy(two, now + 30 * DAY + SECOND, 5_000, discount_minor=600)
    buy(two, now + 90 * DAY, 7, currency="EUR")
    buy(two, now + 90 * DAY + SECOND, 1)
    buy(held_out, now - 30 * DAY, 40)
    buy(held_out, now - 30 * DAY - SECOND, 1)
    found = experiments.report(experiment=experiment, at=now + 200 * DAY)
    week, month, quarter = found.windows
    assert [window.days for window in found.windows] == [7, 30, 90]
    assert (week.treated.visits, week.treated.spent) == (moments(2, 0), moments(1_100, 0))
    assert (month.treated.visits, month.treated.spent) == (moments(4, 0), moments(1_150, 0))
    assert (quarter.treated.visits, quarter.treated.spent) == (moments(4, 2), moments(1_150, 4_400))
    assert [window.treated.came for window in found.windows] == [1, 1, 2]
    assert (quarter.held_out.came, quarter.held_out.complete, quarter.held_out.spent) == (0, 1, moments(0))
    assert (found.before.held_out.came, found.before.held_out.spent) == (1, moments(40))
    assert found.before.treated.came == 0
    assert found.main == month


def test_only_customers_whose_whole_window_has_passed_count(experiment, now):
    early, late = put(experiment, Arm.TREATED, now), put(experiment, Arm.TREATED, now + DAY)
    for customer in (early, late):
        buy(customer, now + 2 * DAY, 100)
    found = experiments.report(experiment=experiment, at=now + 30 * DAY)
    week, month, quarter = (window.treated for window in found.windows)
    assert [(arm.customers, arm.complete, arm.pending) for arm in (week, month, quarter)] == [
        (2, 2, 0),
        (2, 1, 1),
        (2, 0, 2),
    ]
    assert (month.came, month.spent) == (1, moments(100))
    assert (quarter.rate, found.windows[2].came_more, found.main.came_more) == (None, None, None)


def test_customer_of_a_merge_counts_once_with_everything_bought(experiment, now):
    old, kept = put(experiment, Arm.HOLDOUT, now), put(experiment, Arm.TREATED, now + DAY)
    buy(old, now + 2 * DAY, 100)
    buy(kept, now + 3 * DAY, 20)
    merges.merge(source=old, target=kept, reason="one person", by=SYSTEM, at=now + 4 * DAY)
    main = experiments.report(experiment=experiment, at=now + 31 * DAY).main
    assert (main.treated.customers, main.held_out.customers) == (0, 1)
    assert (main.held_out.visits, main.held_out.spent) == (moments(2), moments(120))


def test_closed_and_erased_customers_still_count(experiment, now):
    gone = put(experiment, Arm.TREATED, now)
    Customer.objects.filter(pk=gone.pk).update(name="", email="", closed_at=now + DAY, erased_at=now + DAY)
    assert experiments.report(experiment=experiment, at=now + 31 * DAY).main.treated.complete == 1


def fill(experiment, arm, number, came, at):
    """So many customers, of whom so many come back once and spend 10.00."""
    rows = [Customer(number=f"{arm[0]}{n:07}", name=f"{arm} {n}", enrolled_at=at) for n in range(number)]
    people = Customer.objects.bulk_create(rows)
    Assignment.objects.bulk_create(
        Assignment(experiment=experiment, customer=one, arm=arm, assigned_at=at, occasion="test:1") for one in people
    )
    like = PurchaseFactory.build(total_minor=1_000, store=PurchaseFactory().store)
    kept = {field.name: getattr(like, field.name) for field in Purchase._meta.concrete_fields if field.name != "id"}
    Purchase.objects.bulk_create(
        Purchase(**{**kept, "customer": one, "purchased_at": at + DAY, "receipt_number": f"{arm}-{n}"})
        for n, one in enumerate(people[:came])
    )


def test_uplift_and_its_interval_are_those_of_the_statistics(experiment, now):
    fill(experiment, Arm.TREATED, 400, 240, now)
    fill(experiment, Arm.HOLDOUT, 400, 200, now)
    main = experiments.report(experiment=experiment, at=now + 31 * DAY).main
    more = main.came_more
    assert [round(number, 4) for number in (more.estimate, more.low, more.high)] == [
        0.1,
        0.0311,
        0.1676,
    ]  # as statsmodels says
    assert main.spent_more.estimate == pytest.approx(100)
    assert main.visited_more.low > 0


def test_spend_has_no_interval_while_an_arm_is_small(experiment, now):
    fill(experiment, Arm.TREATED, 300, 100, now)
    fill(experiment, Arm.HOLDOUT, 99, 50, now)
    main = experiments.report(experiment=experiment, at=now + 31 * DAY).main
    assert (main.spent_more, main.visited_more) == (None, None)
    assert main.came_more is not None


def test_result_is_final_when_both_the_day_and_the_size_are_reached(now):
    plan = {"returning_percent": 50, "difference_percent": 20, "horizon_days": 60, "started_at": now}
    experiment = ExperimentFactory(holdout_percent=50, **plan)
    assert experiments.size_planned(experiment) == Size(93, 93)
    fill(experiment, Arm.TREATED, 93, 50, now)
    fill(experiment, Arm.HOLDOUT, 92, 40, now)
    found = experiments.report(experiment=experiment, at=now + 60 * DAY)
    assert (found.is_time, found.is_enough, found.is_final) == (True, False, False)
    put(experiment, Arm.HOLDOUT, now)
    found = experiments.report(experiment=experiment, at=now + 60 * DAY)
    assert (found.is_time, found.is_enough, found.is_final) == (True, True, True)
    found = experiments.report(experiment=experiment, at=now + 60 * DAY - SECOND)
    assert (found.is_time, found.is_enough, found.is_final) == (False, True, False)


def test_sizes_that_no_draw_gives_are_noticed(now):
    experiment = ExperimentFactory(holdout_percent=10, started_at=now)
    fill(experiment, Arm.TREATED, 480, 0, now)
    fill(experiment, Arm.HOLDOUT, 20, 0, now)
    assert experiments.report(experiment=experiment, at=now).is_ratio_wrong
    fewer = ExperimentFactory(holdout_percent=10, started_at=now)
    for customer in Customer.objects.filter(name__startswith="HOLD"):
        put(fewer, Arm.HOLDOUT, now, customer)
    for customer in Customer.objects.filter(name__startswith="TREAT")[:180]:
        put(fewer, Arm.TREATED, now, customer)
    assert not experiments.report(experiment=fewer, at=now).is_ratio_wrong


def test_arms_that_differed_before_are_noticed(experiment, now):
    fill(experiment, Arm.TREATED, 200, 100, now)
    fill(experiment, Arm.HOLDOUT, 200, 100, now)
    assert not experiments.report(experiment=experiment, at=now).imbalance.is_large
    for number, customer in enumerate(Customer.objects.filter(name__startswith="HOLD")[:100]):
        buy(customer, now - DAY, 1_000 + number)
    found = experiments.report(experiment=experiment, at=now).imbalance
    assert found.came == pytest.approx(-(2**0.5), rel=1e-6)
    assert found.is_large


class TestCost:
    @pytest.fixture
    def given(self, now):
        """A rule whose 400 treated all came twice and redeemed 5.00, beside 400 who came once."""

        def given(**offer):
            ProgramFactory(currency="CNY")
            rule = SurpriseRuleFactory(experiment__holdout_percent=50, offer=OfferFactory(**offer))
            fill(rule.experiment, Arm.TREATED, 400, 240, now)
            fill(rule.experiment, Arm.HOLDOUT, 400, 120, now)
            customer = Customer.objects.filter(name__startswith="TREAT").first()
            purchase = buy(customer, now + DAY, 20_000)
            (surprise,) = surprises.after_purchase(purchase=purchase, by=SYSTEM, at=now + DAY)
            CouponRedemptionFactory(coupon=surprise.coupon, redeemed_at=now + 30 * DAY, discount_minor=12_000)
            return rule.experiment, surprise.coupon

        return given

    def test_extra_visit_costs_what_was_redeemed_by_the_visits_that_would_not_have_been(self, given, now):
        """121 visits more of 400: the coupon's 120.00 bought them."""
        experiment, _coupon = given()
        found = experiments.report(experiment=experiment, at=now + 31 * DAY)
        assert found.cost_minor == 12_000
        cost, best, worst = found.extra_visit_cost
        assert cost == pytest.approx(12_000 / 121)
        more = found.main.visited_more
        assert (best, worst) == pytest.approx((12_000 / 400 / more.high, 12_000 / 400 / more.low))

    def test_what_was_redeemed_after_the_window_does_not_count(self, given, now):
        experiment, coupon = given()
        coupon.redemptions.update(redeemed_at=now + 30 * DAY + SECOND)
        assert experiments.report(experiment=experiment, at=now + 40 * DAY).cost_minor == 0

    def test_gifts_whose_price_nobody_told_leave_it_open(self, given, now):
        experiment, _coupon = given(kind=OfferKind.GIFT, amount_minor=None)
        found = experiments.report(experiment=experiment, at=now + 31 * DAY)
        assert (found.cost_minor, found.extra_visit_cost) == (None, None)

    def test_gifts_and_points_cost_what_their_rule_says(self, experiment, now):
        """One gift was fetched in time, one too late, one never; points are given at once."""
        offer = OfferFactory(kind=OfferKind.GIFT, amount_minor=None)
        gifts = SurpriseRuleFactory(experiment=experiment, offer=offer)
        people = [put(experiment, Arm.TREATED, now) for _ in range(3)]
        told = {"arm": Arm.TREATED, "happened_at": now, "decided_at": now, "cost_minor": 700, "occasion": "test:1"}
        for customer, days in zip(people, (30, 31, None), strict=True):
            coupon = CouponFactory(offer=offer, customer=customer)
            if days:
                CouponRedemptionFactory(coupon=coupon, redeemed_at=now + days * DAY, discount_minor=0)
            Surprise.objects.create(rule=gifts, customer=customer, coupon=coupon, **told)
        assert experiments.report(experiment=experiment, at=now + 40 * DAY).cost_minor == 700
        entry = points.award(customer=people[0], points=50, reference="test:1", by=SYSTEM, at=now)
        other = ExperimentFactory(holdout_percent=50, started_at=now)
        put(other, Arm.TREATED, now, people[0])
        rule = SurpriseRuleFactory(experiment=other, offer=None, points=50)
        Surprise.objects.create(rule=rule, customer=people[0], points_entry=entry, **{**told, "cost_minor": 100})
        assert experiments.report(experiment=other, at=now + 40 * DAY).cost_minor == 100

    @pytest.fixture
    def mailed(self, now):
        """400 were sent a coupon, 240 came; of 400 held out 120 did."""

        def mailed(**offer):
            ProgramFactory(currency="CNY")
            plan = {"kind": ExperimentKind.MAILING, "holdout_percent": 50, "started_at": now}
            mailing = Mailing.objects.create(
                name="Tea", offer=OfferFactory(**offer), experiment=ExperimentFactory(**plan)
            )
            fill(mailing.experiment, Arm.TREATED, 400, 240, now)
            fill(mailing.experiment, Arm.HOLDOUT, 400, 120, now)
            people = Customer.objects.filter(name__startswith="TREAT")[:4]
            for customer in people:
                coupon = CouponFactory(offer=mailing.offer, customer=customer, uses_max=2)
                MailingMail.objects.create(mailing=mailing, customer=customer, coupon=coupon, not_before=now)
            return mailing

        return mailed

    def test_visit_by_a_mailing_costs_what_its_coupons_took_off(self, mailed, now):
        """Not what other coupons took off, came too late or was undone."""
        mailing = mailed()
        first, second, third, fourth = Coupon.objects.order_by("pk")
        for coupon, days, minor in ((first, 1, 4_000), (first, 2, 3_000), (second, 30, 5_000), (third, 31, 90)):
            CouponRedemptionFactory(
                coupon=coupon, customer=coupon.customer, redeemed_at=now + days * DAY, discount_minor=minor
            )
        undone = {"rolled_back_at": now + 2 * DAY, "rolled_back_by": "system"}
        CouponRedemptionFactory(coupon=fourth, redeemed_at=now + DAY, discount_minor=70, **undone)
        other = CouponFactory(customer=first.customer)
        CouponRedemptionFactory(coupon=other, customer=first.customer, redeemed_at=now + 3 * DAY, discount_minor=600)
        found = experiments.report(experiment=mailing.experiment, at=now + 31 * DAY)
        assert found.cost_minor == 12_000
        assert found.extra_visit_cost[0] == pytest.approx(12_000 / 120)
        assert found.given == {Arm.TREATED: Given(12_600, 0), Arm.HOLDOUT: Given(0, 0)}
        early = experiments.report(experiment=mailing.experiment, at=now + 30 * DAY - SECOND)
        assert (early.cost_minor, early.given[Arm.TREATED]) == (0, Given(0, 0))

    def test_gifts_of_a_mailing_that_nobody_priced_are_counted(self, mailed, now):
        mailing = mailed(kind=OfferKind.GIFT, amount_minor=None)
        found = experiments.report(experiment=mailing.experiment, at=now + 31 * DAY)
        assert (found.cost_minor, found.given[Arm.TREATED]) == (0, Given(0, 0))
        coupon = Coupon.objects.first()
        CouponRedemptionFactory(
            coupon=coupon, customer=coupon.customer, redeemed_at=now + DAY, discount_minor=0, purchase=None
        )
        found = experiments.report(experiment=mailing.experiment, at=now + 31 * DAY)
        assert (found.cost_minor, found.extra_visit_cost) == (None, None)
        assert found.given[Arm.TREATED] == Given(0, 1)

    def test_gifts_of_a_mailing_cost_what_their_offer_says(self, mailed, now):
        mailing = mailed(kind=OfferKind.GIFT, amount_minor=None, cost_minor=600)
        for coupon, days in zip(Coupon.objects.order_by("pk")[:3], (1, 30, 31), strict=True):
            at = now + days * DAY
            CouponRedemptionFactory(coupon=coupon, customer=coupon.customer, redeemed_at=at, discount_minor=0)
        found = experiments.report(experiment=mailing.experiment, at=now + 31 * DAY)
        assert found.cost_minor == 1200
        assert found.extra_visit_cost[0] == pytest.approx(1200 / 120)

    def test_both_arms_of_a_campaign_are_told_apart_and_a_survey_costs_no_coupons(self, now):
        ProgramFactory(currency="CNY")
        experiment = ExperimentFactory(kind=ExperimentKind.CAMPAIGN, holdout_percent=50, started_at=now)
        asked, left_out, late = (put(experiment, arm, now) for arm in (Arm.TREATED, Arm.HOLDOUT, Arm.HOLDOUT))
        gift = OfferFactory(kind=OfferKind.GIFT, amount_minor=None)
        for customer, offer, at, minor in [
            (asked, OfferFactory(), now + 30 * DAY, 500),
            (asked, OfferFactory(currency="EUR"), now + DAY, 7_000),
            (asked, gift, now + DAY, 0),
            (left_out, OfferFactory(), now + DAY, 200),
            (left_out, OfferFactory(), now, 1_000),  # before the assignment
            (late, OfferFactory(), now + 30 * DAY + SECOND, 3_000),
            (None, OfferFactory(), now + DAY, 9_000),
        ]:
            coupon = CouponFactory(offer=offer, customer=customer)
            CouponRedemptionFactory(coupon=coupon, customer=customer, redeemed_at=at, discount_minor=minor)
        found = experiments.report(experiment=experiment, at=now + 31 * DAY)
        assert found.given == {Arm.TREATED: Given(500, 1), Arm.HOLDOUT: Given(200, 0)}
        assert (found.cost_minor, found.extra_visit_cost) == (None, None)

    def test_what_a_merged_customer_used_counts_once(self, mailed, now):
        mailing = mailed()
        coupon = Coupon.objects.first()
        CouponRedemptionFactory(coupon=coupon, customer=coupon.customer, redeemed_at=now + DAY, discount_minor=800)
        kept = CustomerFactory()
        merges.merge(source=coupon.customer, target=kept, reason="one person", by=SYSTEM, at=now + 4 * DAY)
        found = experiments.report(experiment=mailing.experiment, at=now + 31 * DAY)
        assert (found.cost_minor, found.given[Arm.TREATED]) == (800, Given(800, 0))

    def test_cost_of_a_visit_is_not_known_while_there_may_be_none_more(self, experiment, now):
        fill(experiment, Arm.TREATED, 200, 101, now)
        fill(experiment, Arm.HOLDOUT, 200, 100, now)
        assert experiments.report(experiment=experiment, at=now + 31 * DAY).extra_visit_cost is None


def test_report_finds_purchases_by_the_index_of_customers(experiment, now):
    """Ten purchases of each customer, a million in `make fuzz`; a tenth of the customers are assigned."""
    store = PurchaseFactory().store
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO customers_customer (number, name, email, phone, language, enrolled_at)"
            " SELECT 'M' || to_char(n, 'FM0000000'), '', '', '', 'en', %s FROM generate_series(1, %s) AS n",
            [now, MANY],
        )
        cursor.execute(
            "INSERT INTO customers_purchase (store_id, receipt_number, customer_id, source, purchased_at, recorded_at,"
            " recorded_by, currency, total_minor, discount_minor, points_value_minor, paid_minor, fingerprint)"
            " SELECT %s, 'M-' || id || '-' || n, id, 'TILL', %s + n * interval '3 days', %s, 'system', 'CNY', 1000, 0,"
            " 0, 1000, '' FROM customers_customer CROSS JOIN generate_series(-2, 7) AS n WHERE number LIKE 'M%%'",
            [store.pk, now, now],
        )
        cursor.execute("ANALYZE customers_purchase, customers_customer")
        tenth = Customer.objects.filter(number__startswith="M", number__endswith="7")
        assigned = experiments.assign_all(experiment=experiment, customers=tenth, occasion="test:1", at=now)
        cursor.execute("ANALYZE rewards_assignment")
        told = {"experiment": experiment.pk, "currency": "CNY", "at": now + 100 * DAY, "before": 30}
        sql = (reports._SQL / "experiments_outcomes.sql").read_text(encoding="utf-8")
        cursor.execute(f"EXPLAIN {sql}", told)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "purchase_of_customer" in plan
    assert "Seq Scan on customers_purchase" not in plan
    found = experiments.report(experiment=experiment, at=now + 100 * DAY)
    assert found.main.treated.complete + found.main.held_out.complete == assigned == MANY // 10
    assert found.windows[0].treated.visits.mean == 2
    assert found.main.held_out.visits.mean == 7
    assert found.before.treated.visits.mean == 2


def test_costs_of_a_large_mailing_are_counted(now):
    """Each customer of a mailing used its coupon, among as many uses of other offers."""
    ProgramFactory(currency="CNY")
    experiment = ExperimentFactory(kind=ExperimentKind.MAILING, holdout_percent=10, started_at=now)
    mailing = Mailing.objects.create(name="Tea", offer=OfferFactory(), experiment=experiment)
    fill(experiment, Arm.TREATED, MANY // 10, 0, now)
    told = {"mailing": mailing.pk, "offer": mailing.offer_id, "other": OfferFactory().pk, "now": now, "number": MANY}
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO rewards_coupon (code, offer_id, customer_id, is_public, state, uses_max, uses_count,"
            " reference, issued_at) SELECT 'T' || id, %(offer)s, id, false, 'REDEEMED', 1, 1, id, %(now)s"
            " FROM customers_customer WHERE name LIKE 'TREAT%%'",
            told,
        )
        cursor.execute(
            "INSERT INTO rewards_coupon (code, offer_id, is_public, state, uses_max, uses_count, reference, issued_at)"
            " SELECT 'O' || n, %(other)s, false, 'REDEEMED', 1, 1, n, %(now)s FROM generate_series(1, %(number)s) n",
            told,
        )
        cursor.execute(
            "INSERT INTO rewards_mailingmail (mailing_id, customer_id, coupon_id, state, reason, attempts, not_before,"
            " smtp_reply) SELECT %(mailing)s, customer_id, id, 'PENDING', '', 0, %(now)s, '' FROM rewards_coupon"
            " WHERE offer_id = %(offer)s",
            told,
        )
        cursor.execute(
            "INSERT INTO rewards_couponredemption (coupon_id, offer_id, customer_id, discount_minor, redeemed_at,"
            " redeemed_by, rolled_back_by, reason) SELECT id, offer_id, customer_id, 100, %(now)s + interval '1 day',"
            " 'system', '', '' FROM rewards_coupon",
            told,
        )
        cursor.execute(
            "ANALYZE customers_customer, rewards_coupon, rewards_couponredemption, rewards_mailingmail,"
            " rewards_assignment"
        )
        # So few rows are read as fast whole: what could be used is asked.
        cursor.execute("SET LOCAL enable_seqscan = off")
    found = experiments.report(experiment=experiment, at=now + 31 * DAY)
    assert found.cost_minor == found.given[Arm.TREATED].discount_minor == 100 * (MANY // 10)
