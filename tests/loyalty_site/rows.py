"""One row of each model that the back office shows, with what it needs to stand."""

from datetime import timedelta

from django.db import models
from django.utils import timezone

from customers.domain import audit, tills
from customers.models import (
    AddressReason,
    AttemptCount,
    AuditEvent,
    Card,
    Category,
    Consent,
    Customer,
    CustomerMerge,
    IdempotentCall,
    ImportState,
    OutboxMail,
    Preference,
    Product,
    ProductRating,
    Purchase,
    PurchaseImport,
    PurchaseReturn,
    PurchaseReturnLine,
    RecommendationRun,
    Rhythm,
    Segment,
    SegmentMember,
    Store,
    SuppressedAddress,
    Till,
    TillScope,
    User,
)
from loyalty_site.lib import actors
from rewards.domain import adjustments, merges, points, redemptions
from rewards.models import (
    AlertKind,
    Arm,
    BatchState,
    CodeBatch,
    Coupon,
    EarningRule,
    Experiment,
    GestureMail,
    GestureText,
    Mailing,
    MailingMail,
    MailServer,
    Offer,
    PointsAccount,
    PointsAdjustment,
    PointsAllocation,
    PointsEntry,
    PointsHold,
    PointsHoldPart,
    PointsLot,
    PointsNotice,
    Program,
    Reward,
    RewardPicture,
    RewardRedemption,
    StaffAlert,
    Surprise,
    SurpriseRule,
    Tier,
    TierChange,
    TierChangeReason,
    TierMembership,
)
from surveys.domain import cases
from surveys.models import (
    Answer,
    Campaign,
    Case,
    CaseEventKind,
    CaseMail,
    Delivery,
    GestureBudget,
    GestureOffer,
    OpenLink,
    Survey,
    SurveyResponse,
)
from tests.factories import customers, rewards, surveys
from tests.factories.customers import AT

LATER = AT + timedelta(days=1)


def audit_event() -> AuditEvent:
    user = customers.UserFactory(password=None)
    return audit.record(actor=actors.user(user.pk), action="test.done", subject="customer:1", reason="why", at=AT)


def customer_merge() -> CustomerMerge:
    """Just made, so that it can be undone."""
    source, target = entry().customer.customer, customers.CustomerFactory()
    told = {"reason": "lost card", "by": actors.SYSTEM, "at": timezone.now()}
    return merges.merge(source=source, target=target, **told)


def purchase() -> Purchase:
    bought = customers.PurchaseFactory(customer=customers.CustomerFactory(), total_minor=1250)
    customers.PurchaseLineFactory(purchase=bought, amount_minor=1250)
    return bought


def purchase_return() -> PurchaseReturn:
    bought = purchase()
    number = f"B-{PurchaseReturn.objects.count()}"
    back = PurchaseReturn.objects.create(
        purchase=bought, store=bought.store, return_number=number, returned_at=LATER, recorded_at=LATER
    )
    PurchaseReturnLine.objects.create(purchase_return=back, line=bought.lines.get(), quantity=1, amount_minor=1250)
    return back


def till() -> Till:
    store = customers.StoreFactory()
    return tills.create(store=store, name="Till 1", scopes=list(TillScope), by=actors.SYSTEM, at=AT)[0]


def idempotent_call() -> IdempotentCall:
    return IdempotentCall.objects.create(
        till=till(), key="k-1", fingerprint=bytes(32), status=201, body="{}", created_at=AT
    )


def user() -> User:
    member = customers.UserFactory(password=None)
    member.stores.add(customers.StoreFactory())
    return member


def outbox_mail() -> OutboxMail:
    """One that every member of staff with the right to see mails may read."""
    headers = {"List-Unsubscribe": "<https://example.org/u/1>"}
    return OutboxMail.objects.create(
        to="mei@example.org", subject="Hello", text="Hello", html="<p>Hello</p>", headers=headers
    )


def entry() -> PointsEntry:
    """An award whose points a redemption has partly taken."""
    customer = customers.CustomerFactory()
    awarded = points.award(customer=customer, points=500, reference="test:1", by=actors.SYSTEM, at=AT)
    points.redeem(customer=customer, points=20, reference="test:2", by=actors.SYSTEM, at=LATER)
    return awarded


def hold() -> PointsHold:
    awarded = entry()
    kept = PointsHold.objects.create(
        customer=awarded.customer,
        points=5,
        reference="test:3",
        held_at=LATER,
        expires_at=LATER + timedelta(hours=1),
        actor="system",
    )
    PointsHoldPart.objects.create(customer=awarded.customer, hold=kept, lot=awarded.lots.get(), points=5)
    return kept


def adjustment() -> PointsAdjustment:
    """One that waits for a second person."""
    customer = customers.CustomerFactory()
    told = {"customer": customer, "points_wanted": 5000, "reason": "lost receipts", "reference": f"test:{customer.pk}"}
    asker = customers.UserFactory(password=None)
    return adjustments.ask(**told, by=actors.user(asker.pk), at=AT)


def alert() -> StaffAlert:
    return StaffAlert.objects.create(
        kind=AlertKind.OWN_COUPON,
        actor="user:1",
        fact=f"coupon:{coupon().pk}",
        customer=customers.CustomerFactory(),
        noticed_at=AT,
    )


def redemption() -> RewardRedemption:
    customer, reward = entry().customer.customer, rewards.RewardFactory()
    reference = f"test:{customer.pk}"
    return redemptions.request(
        customer=customer, reward=reward, quantity=1, reference=reference, by=actors.SYSTEM, at=LATER
    )


def suppressed_address() -> SuppressedAddress:
    told = {"reason": AddressReason.STAFF, "suppressed_at": AT, "suppressed_by": "user:1"}
    address = f"mei{SuppressedAddress.objects.count()}@example.org"
    return SuppressedAddress.objects.create(address=address, **told)


def attempts() -> AttemptCount:
    told = {"failures": 30, "failures_max": 30, "turned_away": 2}
    key = f"till:{till().pk}/3600"
    return AttemptCount.objects.create(key=key, window_start=AT, window_end=AT + timedelta(hours=1), **told)


def code_batch() -> CodeBatch:
    told = {"count": 9, "made_count": 9, "state": BatchState.DONE, "finished_at": AT}
    return CodeBatch.objects.create(offer=rewards.OfferFactory(), requested_at=AT, requested_by="user:1", **told)


def coupon() -> Coupon:
    return rewards.CouponFactory(customer=customers.CustomerFactory())


def surprise() -> Surprise:
    given = coupon()
    rule = rewards.SurpriseRuleFactory(offer=given.offer)
    return Surprise.objects.create(
        rule=rule,
        customer=given.customer,
        occasion="purchase:1",
        arm=Arm.TREATED,
        happened_at=AT,
        decided_at=AT,
        coupon=given,
    )


def gesture_mail() -> GestureMail:
    given = surprise()
    return GestureMail.objects.create(surprise=given, customer=given.customer, not_before=AT)


def mail_server() -> MailServer:
    return MailServer.objects.create(failures=1, cause="RATE", reply="451", paused_since=AT, paused_until=AT)


def mailing_mail() -> MailingMail:
    mailing = Mailing.objects.create(name="Tea", offer=rewards.OfferFactory(), experiment=rewards.ExperimentFactory())
    return MailingMail.objects.create(mailing=mailing, customer=customers.CustomerFactory(), not_before=AT)


def tier_membership() -> TierMembership:
    kept = {"counts_from": AT.date(), "keep_until": LATER.date()}
    return TierMembership.objects.create(
        customer=customers.CustomerFactory(), tier=rewards.TierFactory(), since=AT, **kept
    )


def tier_change() -> TierChange:
    return TierChange.objects.create(
        customer=customers.CustomerFactory(),
        to_tier=rewards.TierFactory(),
        happened_at=AT,
        why=TierChangeReason.REACHED,
        actor="system",
    )


def response() -> SurveyResponse:
    delivery = surveys.DeliveryFactory()
    question = surveys.QuestionFactory(survey=delivery.campaign.survey)
    given = SurveyResponse.objects.create(
        survey=delivery.campaign.survey,
        delivery=delivery,
        customer=delivery.customer,
        language="en",
        submitted_at=LATER,
        points_entry=entry(),
    )
    Answer.objects.create(response=given, question=question, number=9)
    return given


def case() -> Case:
    """Waiting, with a little of its story."""
    opened = surveys.CaseFactory()
    surveys.GestureBudgetFactory(store=opened.store)
    cases.note(case=opened, text="Called back.", by=actors.SYSTEM, at=LATER)
    return opened


def case_mail() -> CaseMail:
    event = cases.note_event(
        case=surveys.CaseFactory(), kind=CaseEventKind.MAIL_OUT, text="Dear Mei", by=actors.SYSTEM, at=LATER
    )
    return CaseMail.objects.create(event=event, customer=event.case.customer, not_before=LATER)


def purchase_import() -> PurchaseImport:
    return PurchaseImport.objects.create(name="June.csv", state=ImportState.READY, uploaded_at=AT, uploaded_by="user:1")


def preference() -> Preference:
    return Preference.objects.create(
        customer=customers.CustomerFactory(), category=customers.CategoryFactory(), stated_at=AT
    )


def product_rating() -> ProductRating:
    return ProductRating.objects.create(
        customer=customers.CustomerFactory(), product=customers.ProductFactory(), stars=2, rated_at=AT
    )


def recommendation_run() -> RecommendationRun:
    return RecommendationRun.objects.create(started_at=AT, customers=3, done=2)


def draft_survey() -> Survey:
    return surveys.QuestionFactory(survey__published_at=None).survey


MAKERS = {
    AttemptCount: attempts,
    AuditEvent: audit_event,
    Card: customers.CardFactory,
    Category: lambda: customers.CategoryFactory(parent=customers.CategoryFactory()),
    Consent: customers.ConsentFactory,
    Customer: lambda: entry().customer.customer,
    CustomerMerge: customer_merge,
    IdempotentCall: idempotent_call,
    SuppressedAddress: suppressed_address,
    OutboxMail: outbox_mail,
    Preference: preference,
    ProductRating: product_rating,
    RecommendationRun: recommendation_run,
    Product: lambda: customers.ProductFactory(category=customers.CategoryFactory()),
    Purchase: purchase,
    PurchaseImport: purchase_import,
    PurchaseReturn: purchase_return,
    Rhythm: customers.RhythmFactory,
    Segment: customers.SegmentFactory,
    SegmentMember: customers.SegmentMemberFactory,
    Store: customers.StoreFactory,
    Till: till,
    User: user,
    CodeBatch: code_batch,
    Coupon: coupon,
    EarningRule: rewards.MultiplierRuleFactory,
    Experiment: rewards.ExperimentFactory,
    Offer: rewards.OfferFactory,
    PointsAccount: lambda: entry().customer,
    PointsAdjustment: adjustment,
    PointsAllocation: lambda: entry().lots.get().allocations.get(),
    PointsEntry: entry,
    PointsHold: hold,
    PointsLot: lambda: entry().lots.get(),
    GestureMail: gesture_mail,
    GestureText: lambda: GestureText.objects.create(rule=rewards.SurpriseRuleFactory()),
    Mailing: lambda: mailing_mail().mailing,
    MailingMail: mailing_mail,
    MailServer: mail_server,
    PointsNotice: lambda: PointsNotice.objects.create(
        customer=customers.CustomerFactory(), last_day=LATER.date(), touch=30, not_before=AT
    ),
    Program: rewards.ProgramFactory,
    Reward: rewards.RewardFactory,
    RewardPicture: rewards.RewardPictureFactory,
    RewardRedemption: redemption,
    StaffAlert: alert,
    Surprise: surprise,
    SurpriseRule: rewards.SurpriseRuleFactory,
    Tier: rewards.TierFactory,
    TierChange: tier_change,
    TierMembership: tier_membership,
    Campaign: surveys.CampaignFactory,
    Case: case,
    CaseMail: case_mail,
    GestureBudget: surveys.GestureBudgetFactory,
    GestureOffer: surveys.GestureOfferFactory,
    OpenLink: surveys.OpenLinkFactory,
    Delivery: surveys.DeliveryFactory,
    Survey: draft_survey,
    SurveyResponse: response,
}


def make(model: type[models.Model]) -> models.Model:
    return MAKERS[model]()
