import pytest
from django.db import connection

from customers.models import Customer
from loyalty_site.lib.actors import SYSTEM
from rewards.domain import experiments, merges, points, surprises
from rewards.domain.experiments.reports import Given
from rewards.models import Arm, Coupon, ExperimentKind, Mailing, MailingMail, OfferKind, Surprise
from tests.factories.customers import CustomerFactory
from tests.factories.rewards import (
    CouponFactory,
    CouponRedemptionFactory,
    ExperimentFactory,
    OfferFactory,
    ProgramFactory,
    SurpriseRuleFactory,
)
from tests.rewards.domain.experiments.shops import DAY, MANY, SECOND, buy, fill, put

pytestmark = pytest.mark.django_db


@pytest.fixture
def experiment(now):
    ProgramFactory(currency="CNY")
    return ExperimentFactory(holdout_percent=50, started_at=now)


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
