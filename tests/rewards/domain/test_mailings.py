from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail

from customers.domain import consents, profiling, suppressions
from customers.models import AddressReason, AuditEvent, Customer, Purpose, Segment, SegmentMember
from loyalty_site.lib import actors, codes
from loyalty_site.lib.mail_replies import ServerUnavailable
from rewards.domain import mail_queue, mailing_audience, mailing_freezing, mailings, offers, wording
from rewards.domain import mail_server as rewards_mail_server
from rewards.domain.redeemers import histories
from rewards.models import Assignment, Coupon, Mailing, MailingMail, MailServer
from tests.factories.customers import ConsentFactory, CustomerFactory, PurchaseFactory, StoreFactory
from tests.factories.rewards import CouponFactory, ExperimentFactory, OfferFactory, ProgramFactory
from tests.races import at_once
from tests.rewards.domain.redeemers import shop

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOON = datetime(2026, 6, 10, 4, tzinfo=UTC)  # in Shanghai
STAFF = actors.user(7)


@pytest.fixture(autouse=True)
def program(db):
    return ProgramFactory(name="Green Basket", timezone="Asia/Shanghai")


def willing(number=1, **fields):
    made = CustomerFactory.create_batch(number, **fields)
    for customer in made:
        ConsentFactory(customer=customer, purpose=Purpose.MARKETING_EMAIL)
    return made


@pytest.fixture
def drafted():
    def make(holdout=0, offer=None, **fields):
        offer = offer or OfferFactory(title={"en": "Tea & cake", "zh-hans": "下午茶"}, code_prefix="TEA")
        experiment = ExperimentFactory(kind="MAILING", holdout_percent=holdout)
        return Mailing.objects.create(name="June", offer=offer, experiment=experiment, **fields)

    return make


def scheduled(mailing):
    return mailings.schedule(mailing=mailing, starts_at=NOON, by=STAFF, at=NOON)


@pytest.fixture
def send(mail_server):
    def send(at=NOON):
        clock = {"clock": lambda: at, "until": at + timedelta(seconds=60)}
        return mail_queue.send_due(queue=mailings.QUEUE, mailer=mail.get_connection(), **clock)

    return send


def outcome():
    return Counter(MailingMail.objects.values_list("state", "reason"))


def state():
    return Mailing.objects.get().state


def test_preflight_says_who_will_not_get_it_and_the_sending_finds_the_same(drafted, send, mail_server):
    willing(20)
    for phone in ("+8613812345678", "+8613812345679"):
        willing(email="", phone=phone)
    CustomerFactory.create_batch(3)
    bounced = willing()[0].email
    suppressions.suppress(address=bounced, reason=AddressReason.HARD_BOUNCE, by=actors.SYSTEM, at=NOON)
    Customer.objects.filter(pk=willing()[0].pk).update(closed_at=NOON)
    mailing = drafted(holdout=50)
    found = mailing_audience.preflight(mailing=mailing, at=NOON)
    reasons = {"NO_EMAIL": 2, "SUPPRESSED_ADDRESS": 1, "NO_CONSENT": 3}
    assert (found.total, found.mailable, found.reasons) == (26, 20, reasons)
    scheduled(mailing)
    assert mailings.materialize_due(at=NOON) == 1
    arms = Counter(Assignment.objects.values_list("arm", flat=True))
    assert arms["TREATED"] + arms["HOLDOUT"] == 20
    assert 0 < arms["HOLDOUT"] < 20
    assert outcome() == {
        ("PENDING", ""): arms["TREATED"],
        ("SUPPRESSED", "HELD_OUT"): arms["HOLDOUT"],
        ("SUPPRESSED", "NO_EMAIL"): 2,
        ("SUPPRESSED", "SUPPRESSED_ADDRESS"): 1,
        ("SUPPRESSED", "NO_CONSENT"): 3,
    }
    treated = set(Assignment.objects.filter(arm="TREATED").values_list("customer", flat=True))
    assert set(Coupon.objects.values_list("customer", flat=True)) == treated
    assert send() == arms["TREATED"]
    assert len(set(mail_server.recipients)) == len(mail_server.recipients) == arms["TREATED"]
    assert mailings.settle_states(at=NOON + HOUR) == 1
    assert state() == "COMPLETED"


def test_mail_brings_the_customers_own_coupon(drafted, send, mail_server):
    willing(email="mei@example.org", name="Mei {code}")
    scheduled(drafted(subject={"en": "{coupon_title} for {first_name}"}))
    mailings.materialize_due(at=NOON)
    send()
    coupon = Coupon.objects.get()
    assert coupon.code.startswith("TEA")
    assert codes.is_well_formed(coupon.code[3:])
    assert (coupon.issued_at, coupon.uses_max) == (NOON, 1)
    ((address, message),) = mail_server.taken
    assert (address, message["Subject"]) == ("mei@example.org", "Tea & cake for Mei")
    assert message["Message-ID"].startswith(f"<mailing-{MailingMail.objects.get().pk}.")
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    for kind in ("plain", "html"):
        assert coupon.display_code in message.get_body((kind,)).get_content()


def test_mail_that_staff_send_again_leaves_after_the_mailing_was_done(drafted, send, mail_server):
    willing(2)
    scheduled(drafted())
    mailings.materialize_due(at=NOON)
    lost = MailingMail.objects.first()
    MailingMail.objects.filter(pk=lost.pk).update(state="SENDING", claimed_at=NOON - HOUR)
    mail_queue.reconcile(queue=mailings.QUEUE, at=NOON)
    assert send() == 1
    mailings.settle_states(at=NOON)
    assert state() == "COMPLETED"
    mail_queue.send_again(queue=mailings.QUEUE, mail=lost, by=STAFF, at=NOON + HOUR)
    mailings.settle_states(at=NOON + HOUR)
    assert (state(), Mailing.objects.get().finished_at) == ("SENDING", None)
    assert send(NOON + HOUR) == 1
    mailings.settle_states(at=NOON + 2 * HOUR)
    assert (state(), Mailing.objects.get().finished_at) == ("COMPLETED", NOON + 2 * HOUR)


def test_try_whether_the_server_is_back_passes_over_mails_that_must_not_leave(drafted, send, mail_server):
    people = willing(5)
    scheduled(drafted())
    mailings.materialize_due(at=NOON)
    for customer in people[:3]:
        consents.withdraw(customer=customer, purpose=Purpose.MARKETING_EMAIL, by=STAFF, at=NOON)
    refusal = ServerUnavailable("451 away")
    rewards_mail_server.refused(error=refusal, admission=rewards_mail_server.Admission(1), at=NOON)
    assert send(NOON + timedelta(minutes=1)) == 2
    assert not MailServer.objects.get().failures


def test_audience_is_what_filters_and_the_offers_segment_say(drafted):
    here, tea, vip = StoreFactory(), Segment.objects.create(name="tea"), Segment.objects.create(name="vip")
    wanted, elsewhere, outside, idle = willing(4, home_store=here)
    Customer.objects.filter(pk=elsewhere.pk).update(home_store=StoreFactory())
    for customer in (wanted, elsewhere, idle):
        SegmentMember.objects.create(segment=tea, customer=customer, since=NOON)
    for customer in (wanted, elsewhere, outside, idle):
        SegmentMember.objects.create(segment=vip, customer=customer, since=NOON)
    for customer in (wanted, elsewhere, outside):
        PurchaseFactory(customer=customer, purchased_at=NOON - 3 * DAY)
    mailing = drafted(offer=OfferFactory(segment=tea), segment=vip, bought_within_days=7)
    mailing.stores.add(here)
    assert list(mailing_audience.of(mailing=mailing, at=NOON)) == [wanted]


@pytest.fixture
def portions(monkeypatch):
    """Three customers a portion; what is called after the portion of that number, before the next one."""
    monkeypatch.setattr(mailing_freezing, "CUSTOMERS_AT_ONCE", 3)
    freeze_some = mailings._materialize_some
    then = {}

    def freeze(pk, after):
        reached = freeze_some(pk, after)
        then["done"] = then.get("done", 0) + 1
        then.get(then["done"], lambda: None)()
        return reached

    monkeypatch.setattr(mailings, "_materialize_some", freeze)
    return then


def die():
    raise KeyboardInterrupt


def test_worker_that_dies_within_a_portion_leaves_nothing_of_it(drafted, portions, monkeypatch):
    willing(5)
    scheduled(drafted())
    with monkeypatch.context() as patched:
        patched.setattr(mailing_freezing, "_issue_some", lambda *_arguments: die())
        with pytest.raises(KeyboardInterrupt):
            mailings.materialize_due(at=NOON)
    assert state() == "MATERIALIZING"
    assert (MailingMail.objects.count(), Coupon.objects.count(), Assignment.objects.count()) == (0, 0, 0)
    assert mailings.materialize_due(at=NOON + HOUR) == 1
    assert (MailingMail.objects.count(), Coupon.objects.count(), Assignment.objects.count()) == (5, 5, 5)
    assert mailings.materialize_due(at=NOON + HOUR) == 0


def test_worker_that_dies_between_portions_is_followed_by_one_that_goes_on(drafted, portions, send, mail_server):
    customers = willing(8)
    scheduled(drafted())
    portions[1] = die
    with pytest.raises(KeyboardInterrupt):
        mailings.materialize_due(at=NOON)
    first = set(Coupon.objects.values_list("pk", "customer"))
    assert (state(), len(first), MailingMail.objects.count()) == ("MATERIALIZING", 3, 3)
    assert send() == 0
    assert mailings.materialize_due(at=NOON + HOUR) == 1
    made = set(Coupon.objects.values_list("pk", "customer"))
    assert first < made
    assert sorted(customer for _pk, customer in made) == sorted(customer.pk for customer in customers)
    assert send() == 8


def test_who_cancels_between_portions_wins(drafted, portions, send, mail_server):
    willing(8)
    mailing = scheduled(drafted())
    portions[2] = lambda: mailings.cancel(mailing=mailing, by=STAFF, at=NOON)
    assert mailings.materialize_due(at=NOON) == 0
    assert outcome() == {("SUPPRESSED", "CANCELLED"): 6}
    assert (mailings.materialize_due(at=NOON + HOUR), state(), send()) == (0, "CANCELLED", 0)


def test_coupons_are_made_by_portions_whatever_codes_exist_already(drafted, monkeypatch):
    customers = willing(7)
    monkeypatch.setattr(mailing_freezing, "CUSTOMERS_AT_ONCE", 3)
    generate, taken = codes.generate, []

    def repeat(**told):
        taken.append(taken[0] if len(taken) == 4 else generate(**told))
        return taken[-1]

    monkeypatch.setattr(codes, "generate", repeat)
    scheduled(drafted())
    mailings.materialize_due(at=NOON)
    assert set(Coupon.objects.values_list("customer", flat=True)) == {customer.pk for customer in customers}
    assert not MailingMail.objects.filter(coupon__isnull=True).exists()
    assert len(taken) > 7


def test_consent_and_coupon_are_asked_again_before_it_leaves(drafted, send, mail_server):
    unwilling, withdrawn = willing(2)
    scheduled(drafted())
    mailings.materialize_due(at=NOON)
    consents.withdraw(customer=unwilling, purpose=Purpose.MARKETING_EMAIL, by=STAFF, at=NOON)
    Coupon.objects.filter(customer=withdrawn).update(state="VOID")
    assert send() == 0
    assert outcome() == {("SUPPRESSED", "NO_CONSENT"): 1, ("SUPPRESSED", "GONE"): 1}


def test_pause_holds_resume_goes_on_cancel_ends(drafted, send, mail_server):
    willing(3)
    mailing = scheduled(drafted())
    mailings.materialize_due(at=NOON)
    mailings.pause(mailing=mailing, by=STAFF, at=NOON)
    assert send() == 0
    mailings.resume(mailing=mailing, by=STAFF, at=NOON)
    first = mail_queue.claim(queue=mailings.QUEUE, program=mailings.Program.objects.current(), at=NOON)
    mailings.cancel(mailing=mailing, by=STAFF, at=NOON)
    assert outcome() == {("SENDING", ""): 1, ("SUPPRESSED", "CANCELLED"): 2}
    # refused for now, it would wait for a second try
    MailingMail.objects.filter(pk=first.pk).update(state="PENDING", claimed_at=None)
    mailings.settle_states(at=NOON)
    assert outcome() == {("SUPPRESSED", "CANCELLED"): 3}
    assert (send(NOON + DAY), state()) == (0, "CANCELLED")
    with pytest.raises(mailings.WrongMailingState):
        mailings.resume(mailing=mailing, by=STAFF, at=NOON)


def test_who_cancels_may_make_void_what_nobody_has_redeemed(drafted, send, mail_server):
    redeemer, *_others = willing(3)
    kept, mailing = CouponFactory(), scheduled(drafted())
    mailings.materialize_due(at=NOON)
    assert send() == 3
    used = Coupon.objects.get(customer=redeemer)
    Coupon.objects.filter(pk=used.pk).update(state="REDEEMED", uses_count=1)
    told_twice = scheduled(drafted(offer=mailing.offer))
    mailings.materialize_due(at=NOON)
    assert mailings.coupons_left(mailing=mailing).count() == 2
    mailings.cancel(mailing=mailing, by=STAFF, at=NOON, void_because="wrong price")
    states = dict(Coupon.objects.filter(mailing_mail__mailing=mailing).values_list("customer", "state"))
    assert Counter(states.values()) == {"VOID": 2, "REDEEMED": 1}
    assert states[redeemer.pk] == "REDEEMED"
    assert mailings.coupons_left(mailing=told_twice).count() == 3
    kept.refresh_from_db()
    assert kept.state == "ISSUED"
    assert AuditEvent.objects.filter(action="coupon.voided", reason="wrong price").count() == 2
    with pytest.raises(mailings.WrongMailingState):
        mailings.cancel(mailing=mailing, by=STAFF, at=NOON, void_because="again")


def test_schedule_refuses_what_could_not_be_sent(drafted):
    draft = drafted(offer=OfferFactory(published_at=None))
    with pytest.raises(offers.OfferNotLive):
        scheduled(draft)
    with pytest.raises(mailings.MailingInThePast):
        mailings.schedule(mailing=draft, starts_at=NOON - HOUR, by=STAFF, at=NOON)
    with pytest.raises(wording.PlaceholderUnknown):
        scheduled(drafted(body={"en": "{points}"}))


def test_offer_that_was_withdrawn_meanwhile_is_not_sent(drafted):
    willing(2)
    mailing = scheduled(drafted())
    offers.withdraw(offer=mailing.offer, by=STAFF, at=NOON - HOUR)
    assert mailings.materialize_due(at=NOON) == 0
    assert (state(), MailingMail.objects.count()) == ("CANCELLED", 0)


def test_nothing_happens_before_its_time(drafted):
    willing()
    mailing = drafted()
    mailings.schedule(mailing=mailing, starts_at=NOON + HOUR, by=STAFF, at=NOON)
    assert mailings.materialize_due(at=NOON + HOUR - timedelta(seconds=1)) == 0
    assert state() == "SCHEDULED"


@pytest.mark.django_db(transaction=True)
def test_four_workers_choose_once_and_send_each_once(drafted, send, mail_server):
    customers = willing(12)
    scheduled(drafted())
    assert sum(at_once(*[lambda: mailings.materialize_due(at=NOON)] * 4)) == 1
    assert Coupon.objects.count() == MailingMail.objects.count() == 12
    assert sum(at_once(*[send] * 4)) == 12
    assert sorted(mail_server.recipients) == sorted(customer.email for customer in customers)


def test_only_the_likeliest_get_it_and_among_them_some_are_held_out(drafted, monkeypatch):
    monkeypatch.setattr(histories, "ENOUGH", 8)
    offer, tea = shop.learned_shop(8)
    likely = [shop.drinker(tea, at=NOON - DAY) for _ in range(12)]
    for customer in [*likely, *CustomerFactory.create_batch(5)]:
        ConsentFactory(customer=customer, purpose=Purpose.MARKETING_EMAIL)
    mailing = drafted(holdout=50, offer=offer, likely_max=10)
    found = mailing_audience.preflight(mailing=mailing, at=NOON)
    assert (found.total, found.mailable, found.chosen, found.is_lot) == (33, 17, 10, False)
    scheduled(mailing)
    assert mailings.materialize_due(at=NOON) == 1
    arms = Counter(Assignment.objects.filter(customer__in=likely).values_list("arm", flat=True))
    assert (arms.total(), Assignment.objects.count()) == (10, 10)
    assert 0 < arms["HOLDOUT"] < 10
    mails = Counter(MailingMail.objects.filter(mailing=mailing).values_list("state", "reason"))
    assert mails == {("PENDING", ""): arms["TREATED"], ("SUPPRESSED", "HELD_OUT"): arms["HOLDOUT"]}
    treated = set(Assignment.objects.filter(arm="TREATED").values_list("customer", flat=True))
    assert set(Coupon.objects.filter(issued_at=NOON).values_list("customer", flat=True)) == treated


def test_who_switched_recommendations_off_is_not_ranked(drafted):
    off, *others = willing(4)
    profiling.choose(customer=off, wanted=False, by=actors.SYSTEM, at=NOON)
    mailing = drafted(likely_max=4)
    found = mailing_audience.preflight(mailing=mailing, at=NOON)
    assert (found.mailable, found.chosen) == (4, 3)
    mailing_freezing.freeze(mailing=mailing, after=0, at=NOON)
    assert set(MailingMail.objects.values_list("customer", flat=True)) == {customer.pk for customer in others}


def test_likeliest_are_chosen_once_by_lot_where_little_is_known(drafted):
    people = willing(12)
    mailing = drafted(likely_max=4)
    found = mailing_audience.preflight(mailing=mailing, at=NOON)
    assert (found.mailable, found.chosen, found.is_lot) == (12, 4, True)
    for _again in range(2):
        assert mailing_freezing.freeze(mailing=mailing, after=0, at=NOON) == 0
    assert MailingMail.objects.count() == Coupon.objects.count() == 4
    mailing.likely_max = 20
    found = mailing_audience.preflight(mailing=mailing, at=NOON)
    assert (found.chosen, found.is_lot) == (len(people), False)
