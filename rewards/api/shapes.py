"""What was booked and found, as tills are told of it."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.conf import settings
from django.db.models import Q
from django.urls import reverse

from customers.models import Customer, PurchaseReturn
from loyalty_site.lib.texts import localized
from rewards.domain import catalogue, explanations, offer_words, points, queries, surprises, tiers
from rewards.domain.checkout import Proposal, Settlement, TakenBack
from rewards.models import (
    Coupon,
    CouponHold,
    CouponRedemption,
    HoldState,
    PointsEntry,
    PointsHold,
    PointsLot,
    Program,
    Reward,
    RewardRedemption,
    Surprise,
    TierBasis,
)
from rewards.schemas.shown import (
    CouponHoldOut,
    CouponOut,
    CouponRedemptionOut,
    CustomerOut,
    EntryOut,
    ExpiringOut,
    GivenBackCouponOut,
    HoldOut,
    LineOut,
    PointsOut,
    ProposedCouponOut,
    PurchaseOut,
    RedemptionOut,
    ReturnedLineOut,
    ReturnOut,
    RewardNameOut,
    RewardOut,
    SettledPointsOut,
    SettlementOut,
    SurpriseOut,
    TakenBackOut,
    TakenBackPointsOut,
    TierOut,
    UsedCouponOut,
)


def customer(found: Customer, *, at: datetime) -> CustomerOut:
    summary = points.summary(customer=found, at=at)
    program = Program.objects.current()
    shelf = catalogue.shelf(customer=found, spendable=summary.available, program=program, at=at)
    return CustomerOut(
        number=found.display_number,
        name=found.name,
        tier=tier(tiers.standing(customer=found, at=at), program),
        points=points_of(summary),
        rewards=[reward(shown.reward) for shown in shelf if not shown.obstacle],
        coupons=[coupon(one) for one in queries.available_coupons(customer=found, at=at)],
    )


def points_of(summary: points.PointsSummary) -> PointsOut:
    return PointsOut(
        balance=summary.balance,
        available=summary.available,
        pending=summary.pending,
        held=summary.held,
        debt=summary.debt,
        expiring=[ExpiringOut(points=number, expires_at=lapses) for number, lapses in summary.expiring],
    )


def tier(standing: tiers.Standing | None, program: Program) -> TierOut | None:
    if standing is None:
        return None
    missing = standing.to_next if standing.next_tier else None
    by_money = program.tier_basis == TierBasis.SPEND
    return TierOut(
        name=str(standing.tier) if standing.tier else None,
        next=str(standing.next_tier) if standing.next_tier else None,
        points_to_next=None if by_money else missing,
        amount_to_next_minor=missing if by_money else None,
    )


def reward(one: Reward) -> RewardOut:
    return RewardOut(
        id=str(one.pk),
        name=localized(one.name),
        description=localized(one.description),
        kind=one.kind.lower(),
        cost_points=one.cost_points,
        stock=one.stock,
        picture=settings.BASE_URL + reverse("portal:reward-picture", args=[one.picture_id]) if one.picture_id else None,
    )


def coupon(one: Coupon) -> CouponOut:
    return CouponOut(
        code=one.display_code,
        title=localized(one.offer.title),
        description=localized(one.offer.description),
        kind=one.offer.kind.lower(),
        expires_at=one.expires_at,
    )


def proposals(found: Sequence[Proposal]) -> list[ProposedCouponOut]:
    offer_words.with_names(one.coupon.offer for one in found)
    return [
        ProposedCouponOut(
            code=one.coupon.display_code,
            title=localized(one.coupon.offer.title),
            kind=one.coupon.offer.kind.lower(),
            conditions=offer_words.conditions(one.coupon.offer),
            discount_minor=one.discount_minor,
            proposed=one.is_proposed,
        )
        for one in found
    ]


def entries(found: Iterable[PointsEntry]) -> list[EntryOut]:
    return [
        EntryOut(
            id=str(entry.pk),
            kind=entry.kind.lower(),
            points=entry.points,
            balance_after=entry.balance_after,
            happened_at=entry.happened_at,
            reference=entry.reference,
            explanation=entry.explanation,
        )
        for entry in explanations.explained(found)
    ]


def settlement(settled: Settlement) -> SettlementOut:
    bought = settled.purchase
    return SettlementOut(
        id=str(bought.pk),
        receipt_number=bought.receipt_number,
        customer=bought.customer.display_number if bought.customer else None,
        total_minor=bought.total_minor,
        discount_minor=bought.discount_minor,
        points_value_minor=bought.points_value_minor,
        paid_minor=bought.paid_minor,
        points=_settled_points(settled),
        coupons=[
            UsedCouponOut(code=one.coupon.display_code, discount_minor=one.discount_minor) for one in settled.coupons
        ],
        surprises=[_surprise(one) for one in settled.surprises],
        tier=tier(settled.tier, Program.objects.current()) if settled.tier else None,
    )


def purchase(settled: Settlement) -> PurchaseOut:
    """Lines, entries and returns with what was booked: as many queries however many there are."""
    bought = settled.purchase
    lines = bought.lines.select_related("product__category").order_by("position")
    returns = bought.returns.prefetch_related("lines__line").order_by("pk")
    own = [entry.pk for entry in (settled.entry, settled.redeemed_entry) if entry]
    found = PointsEntry.objects.filter(Q(pk__in=own) | Q(corrects__in=own))
    return PurchaseOut(
        **settlement(settled).model_dump(),
        store=bought.store.code,
        purchased_at=bought.purchased_at,
        currency=bought.currency,
        gift_card_minor=bought.gift_card_minor,
        lines=[
            LineOut(
                line=line.position,
                sku=line.product.sku,
                name=line.product.name,
                category=line.product.category.code if line.product.category else "",
                quantity=str(line.quantity),
                amount_minor=line.amount_minor,
                discount_minor=line.discount_minor,
                tax_minor=line.tax_minor,
            )
            for line in lines
        ],
        entries=entries(found.order_by("pk")),
        returns=[returned(one) for one in returns],
    )


def returned(one: PurchaseReturn) -> ReturnOut:
    lines = sorted(one.lines.all(), key=lambda line: line.line.position)
    return ReturnOut(
        id=str(one.pk),
        return_number=one.return_number,
        returned_at=one.returned_at,
        lines=[
            ReturnedLineOut(line=line.line.position, quantity=str(line.quantity), amount_minor=line.amount_minor)
            for line in lines
        ],
    )


def taken_back(taken: TakenBack) -> TakenBackOut:
    made, minus, plus = taken.purchase_return, taken.clawed_back, taken.reimbursed
    last = minus or plus
    return TakenBackOut(
        **returned(made).model_dump(),
        purchase=str(made.purchase_id),
        points=TakenBackPointsOut(
            clawed_back=-minus.points if minus else 0,
            reimbursed=plus.points if plus else 0,
            balance=last.balance_after if last else taken.summary.balance if taken.summary else 0,
        ),
        coupons=[GivenBackCouponOut(code=one.display_code, expires_at=one.expires_at) for one in taken.coupons],
    )


def hold(one: PointsHold, *, at: datetime) -> HoldOut:
    is_over = one.state == HoldState.OPEN and not one.is_active(at)
    return HoldOut(
        id=str(one.pk),
        customer=one.customer.customer.display_number,
        points=one.points,
        state="expired" if is_over else one.state.lower(),
        held_at=one.held_at,
        expires_at=one.expires_at,
        closed_at=one.closed_at,
    )


def coupon_hold(one: CouponHold, *, at: datetime) -> CouponHoldOut:
    ended = "captured" if one.captured_at else "released" if one.released_at else "expired"
    return CouponHoldOut(
        id=one.public_id,
        coupon=one.coupon.display_code,
        customer=one.customer.display_number if one.customer else None,
        state="open" if one.is_live(at) else ended,
        held_at=one.held_at,
        expires_at=one.expires_at,
    )


def coupon_redemption(one: CouponRedemption) -> CouponRedemptionOut:
    return CouponRedemptionOut(
        id=str(one.pk),
        coupon=one.coupon.display_code,
        redeemed_at=one.redeemed_at,
        rolled_back_at=one.rolled_back_at,
    )


def redemption(one: RewardRedemption) -> RedemptionOut:
    return RedemptionOut(
        id=str(one.pk),
        customer=one.customer.display_number,
        reward=RewardNameOut(id=str(one.reward_id), name=localized(one.reward.name)),
        quantity=one.quantity,
        points=one.points,
        pickup_code=str(one),
        state=one.state.lower(),
        requested_at=one.requested_at,
        closed_at=one.closed_at,
    )


def _settled_points(settled: Settlement) -> SettledPointsOut:
    """The balance when it was booked, so that telling it again later is answered the same."""
    award, spent, summary = settled.entry, settled.redeemed_entry, settled.summary
    given = [one.points_entry for one in settled.surprises if one.points_entry]
    last = max(given, key=lambda entry: entry.seq) if given else award or spent
    balance = last.balance_after if last else summary.balance if summary else 0
    earned = award.points if award else 0
    return SettledPointsOut(
        earned=earned,
        pending=earned if _is_pending(settled) else 0,
        redeemed=-spent.points if spent else 0,
        balance=balance,
    )


def _is_pending(settled: Settlement) -> bool:
    """Whether what was earned could not be spent when it was booked."""
    if settled.entry is None or settled.created and settled.summary and not settled.summary.pending:
        return False
    return PointsLot.objects.filter(entry=settled.entry, available_at__gt=settled.purchase.recorded_at).exists()


def _surprise(given: Surprise) -> SurpriseOut:
    rule, coupon = given.rule, given.coupon
    return SurpriseOut(
        kind=rule.gesture.lower(),
        title=surprises.title_of(rule),
        message=surprises.message_of(rule),
        code=coupon.display_code if coupon else None,
        points=given.points_entry.points if given.points_entry else None,
        expires_at=coupon.expires_at if coupon else None,
    )
