"""The hold-outs' pages: the plan, which stays, and the report in words, table and drawing."""

import html
import re
from datetime import timedelta

import pytest
import time_machine

from rewards.domain import experiments
from rewards.models import Arm, Experiment, ExperimentKind, OfferKind, SurpriseRule
from tests.factories.customers import CustomerFactory, UserFactory
from tests.factories.rewards import (
    CouponFactory,
    CouponRedemptionFactory,
    ExperimentFactory,
    OfferFactory,
    ProgramFactory,
)
from tests.rewards.domain.experiments.test_report import fill, put

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
LIST = "/admin/rewards/experiment/"


@pytest.fixture
def staff(client):
    ProgramFactory(currency="CNY")
    client.force_login(UserFactory(is_superuser=True, password=None))
    return client


@pytest.fixture
def look(staff):
    def look(experiment, at):
        """The report's page as it reads, without tags."""
        with time_machine.travel(at, tick=False):
            answer = staff.get(f"{LIST}{experiment.pk}/report/")
        assert answer.status_code == 200
        text = answer.content.decode()
        return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", text[text.index('<div class="bo">') :])))

    return look


@pytest.fixture
def planned(now):
    """Read after 60 days; 93 customers in each arm are enough."""
    plan = {"returning_percent": 50, "difference_percent": 20, "horizon_days": 60, "started_at": now}
    return ExperimentFactory(holdout_percent=50, name="Spring", **plan)


def test_before_anybody_is_assigned_the_report_says_so(look, planned, now):
    page = look(planned, now)
    assert "Nobody is assigned yet." in page
    assert "it takes 93 treated and 93 held-out customers whose 30 days are over." in page
    assert "There are 0 treated and 0 held out: not enough yet." in page
    none = ExperimentFactory(holdout_percent=0)
    assert "Nobody is held out, so there is nothing to compare with." in look(none, now)


def test_nothing_is_said_while_no_window_is_over(look, planned, now):
    put(planned, Arm.TREATED, now)
    put(planned, Arm.HOLDOUT, now)
    page = look(planned, now + 30 * DAY - timedelta(seconds=1))
    assert "Too early to tell. Nobody in one of the groups has had their 30 days yet." in page
    assert "The result is read on July 19, 2026." in page
    assert "1 of 2 customers got no surprise, by chance." in page


def test_result_is_preliminary_until_the_planned_day(look, staff, planned, now):
    fill(planned, Arm.TREATED, 200, 140, now)
    fill(planned, Arm.HOLDOUT, 200, 100, now)
    page = look(planned, now + 59 * DAY)
    assert "Preliminary: the result is read on July 19, 2026, not before." in page
    assert (
        "Of 100 treated customers 20.0 more came back within 30 days than of 100 held out;"
        " the truth is probably between +10.4 and +29.1." in page
    )
    assert "preliminary" in page
    page = look(planned, now + 60 * DAY)
    assert "It brings people back." in page
    assert "preliminary" not in page.lower()
    assert "That many there are." in page


def test_too_few_customers_are_called_too_few(look, planned, now):
    fill(planned, Arm.TREATED, 30, 20, now)
    fill(planned, Arm.HOLDOUT, 30, 10, now)
    page = look(planned, now + 60 * DAY)
    assert "Not enough customers yet: this is still preliminary." in page
    assert "There are 30 treated and 30 held out: not enough yet." in page
    assert "not known yet" in page


@pytest.mark.parametrize(("came", "said"), [(100, "No difference was found."), (40, "It keeps people away.")])
def test_other_results_are_told_as_plainly(look, planned, now, came, said):
    fill(planned, Arm.TREATED, 200, came, now)
    fill(planned, Arm.HOLDOUT, 200, 100, now)
    assert said in look(planned, now + 60 * DAY)


def test_table_says_what_the_drawing_shows(look, staff, planned, now):
    fill(planned, Arm.TREATED, 200, 140, now)
    fill(planned, Arm.HOLDOUT, 200, 100, now)
    page = look(planned, now + 60 * DAY)
    assert "surprised 70.0 0.70 ¥7.00 200 0 held out 50.0 0.50 ¥5.00 200 0" in page
    assert "Came back within 30 days: surprised 70.0 of 100, held out 50.0 of 100." in page
    assert "difference +20.0 (+10.4 to +29.1)" in page
    assert "After 90 days surprised – – – 0 200 held out – – – 0 200 difference not known yet" in page
    with time_machine.travel(now + 60 * DAY, tick=False):
        text = staff.get(f"{LIST}{planned.pk}/report/").content.decode()
    assert text.count("<svg class=") == 2
    assert text.count("<desc") == 2
    assert "<circle" in text


def test_groups_that_cannot_be_compared_are_pointed_out(look, now):
    experiment = ExperimentFactory(holdout_percent=10, started_at=now)
    fill(experiment, Arm.TREATED, 200, 20, now)
    fill(experiment, Arm.HOLDOUT, 200, 20, now)
    page = look(experiment, now + 60 * DAY)
    assert "Something is wrong with the groups: do not trust the figures below." in page
    assert "200 of 400 customers are held out; 10 of 100 were to be: chance does not do that. look at this" in page
    assert "In the 30 days before, both groups came and spent alike. fine" in page


@pytest.mark.parametrize("number", [1, 3])
def test_list_tells_the_state_of_each_in_the_same_queries(staff, now, django_assert_num_queries, number):
    for _ in range(number):
        begun = ExperimentFactory(holdout_percent=10, started_at=now)
        experiments.assign(experiment=begun, customer=CustomerFactory(), occasion="test:1", at=now)
    staff.get(LIST)
    with time_machine.travel(now, tick=False), django_assert_num_queries(5):
        page = staff.get(LIST)
    assert page.content.decode().count("running") >= number


def test_list_names_each_state(staff, now):
    begun = {"holdout_percent": 10, "horizon_days": 10}
    for name, started in (("Early", now - 9 * DAY), ("Late", now - 10 * DAY)):
        made = ExperimentFactory(name=name, started_at=started, **begun)
        experiments.assign(experiment=made, customer=CustomerFactory(), occasion="test:1", at=now)
    ExperimentFactory(name="Waiting", holdout_percent=10)
    ExperimentFactory(name="Off", holdout_percent=0)
    with time_machine.travel(now, tick=False):
        for state, name in (("running", "Early"), ("due", "Late"), ("waiting", "Waiting"), ("none", "Off")):
            rows = staff.get(f"{LIST}?is={state}").context["cl"].result_list
            assert [row.name for row in rows] == [name]


def tell(staff, experiment, **told):
    form = {"name": experiment.name, "holdout_percent": 10, "window_days": 30, "horizon_days": 180}
    form |= {"returning_percent": 50, "difference_percent": 5}
    return staff.post(f"{LIST}{experiment.pk}/change/", form | told, follow=True)


def test_plan_is_typed_until_somebody_is_assigned(staff, now):
    experiment = ExperimentFactory(holdout_percent=10)
    tell(staff, experiment, holdout_percent=20, name="Autumn")
    experiment.refresh_from_db()
    assert (experiment.holdout_percent, experiment.name) == (20, "Autumn")
    page = html.unescape(staff.get(f"{LIST}{experiment.pk}/change/").content.decode())
    assert "treated" in page
    experiments.assign(experiment=experiment, customer=CustomerFactory(), occasion="test:1", at=now)
    tell(staff, experiment, holdout_percent=30, name="Winter")
    experiment.refresh_from_db()
    assert (experiment.holdout_percent, experiment.name) == (20, "Winter")


@pytest.mark.parametrize(
    "told",
    [
        {"returning_percent": 95, "difference_percent": 5},
        {"holdout_percent": 51},
        {"horizon_days": 0},
        {"window_days": 31},
    ],
)
def test_plan_that_cannot_be_is_refused(staff, told):
    experiment = ExperimentFactory(holdout_percent=10)
    assert tell(staff, experiment, **told).context["adminform"].form.errors.keys() <= {*told}
    assert Experiment.objects.get().holdout_percent == 10


def test_hold_out_of_a_surprise_rule_is_typed_with_it(staff, now):
    when = {
        "active_from_0": "2026-05-01",
        "active_from_1": "00:00",
        "cooldown_days": "30",
        "quiet_days": "7",
        "priority": "0",
    }
    told = {"name": "Thanks", "trigger": "PURCHASE_OVER", "offer": OfferFactory().pk, "threshold_minor": "50"}
    staff.post("/admin/rewards/surpriserule/add/", {**told, **when, "holdout_percent": "20"})
    rule = SurpriseRule.objects.get()
    assert (rule.experiment.name, rule.experiment.holdout_percent) == ("Thanks", 20)
    page = f"/admin/rewards/surpriserule/{rule.pk}/change/"
    staff.post(page, {**told, **when, "holdout_percent": "30"})
    assert Experiment.objects.get().holdout_percent == 30
    experiments.assign(experiment=rule.experiment, customer=CustomerFactory(), occasion="test:1", at=now)
    staff.post(page, {**told, **when, "holdout_percent": "0", "name": "Thank you"})
    rule.refresh_from_db()
    assert (rule.name, Experiment.objects.get().holdout_percent) == ("Thank you", 30)


@pytest.mark.parametrize(
    ("kind", "word"), [("SURPRISE", "surprised"), ("MAILING", "sent the offer"), ("CAMPAIGN", "asked")]
)
def test_those_who_are_not_held_out_have_the_word_of_what_happened_to_them(look, now, kind, word):
    experiment = ExperimentFactory(kind=kind, holdout_percent=50, started_at=now)
    put(experiment, Arm.TREATED, now)
    page = look(experiment, now + 40 * DAY)
    words = {"surprised", "sent the offer", "asked"}
    assert {one for one in words if f" {one} 1 " in page} == {word}


def test_what_both_groups_used_stands_beside_each_other(look, planned, now):
    """Nothing stands there while nobody's days are over."""
    asked, left_out = put(planned, Arm.TREATED, now), put(planned, Arm.HOLDOUT, now)
    gift = OfferFactory(kind=OfferKind.GIFT, amount_minor=None)
    for customer, offer, minor in ((asked, OfferFactory(), 1_250), (asked, gift, 0), (left_out, OfferFactory(), 300)):
        coupon = CouponFactory(offer=offer, customer=customer)
        CouponRedemptionFactory(coupon=coupon, customer=customer, redeemed_at=now + DAY, discount_minor=minor)
    assert "Coupons and gifts" not in look(planned, now + DAY)
    page = look(planned, now + 31 * DAY)
    assert "surprised 1 ¥12.50 ¥12.50 1 held out 1 ¥3.00 ¥3.00 0 Of all offers" in page


def test_survey_has_no_cost_of_its_own(look, now):
    experiment = ExperimentFactory(kind=ExperimentKind.CAMPAIGN, holdout_percent=50, started_at=now)
    put(experiment, Arm.TREATED, now)
    put(experiment, Arm.HOLDOUT, now)
    page = look(experiment, now + 31 * DAY)
    assert "1 of 2 customers were not asked, by chance. Did those who were asked come back more often?" in page
    assert "Cost of one more visit" not in page
