"""Short steps for stories about points, and what one looks at after them."""

from datetime import timedelta

from loyalty_site.lib import actors
from rewards.domain import points, redemptions
from rewards.models import PointsAccount, PointsLot


def award(customer, number, at, reference=None):
    return points.award(customer=customer, points=number, reference=reference or f"a:{at}", by=actors.SYSTEM, at=at)


def redeem(customer, number, at, reference="r"):
    return points.redeem(customer=customer, points=number, reference=reference, by=actors.SYSTEM, at=at)


def adjust(customer, number, at, reference="adjustment:1"):
    return points.adjust(
        customer=customer, points=number, reference=reference, reason="forgotten receipt", by=actors.user(7), at=at
    )


def claw_back(entry, number, at, reference="return:1"):
    return points.claw_back(entry=entry, points=number, reference=reference, by=actors.SYSTEM, at=at)


def reimburse(entry, at, number=None, reference=None):
    return points.reimburse(entry=entry, points=number, reference=reference, by=actors.SYSTEM, at=at)


def hold(customer, number, at, reference="h", ttl=timedelta(minutes=15)):
    return points.hold(customer=customer, points=number, ttl=ttl, reference=reference, by=actors.till(3), at=at)


def capture(kept, at):
    return points.capture(hold=kept, by=actors.till(3), at=at)


def release(kept, at):
    return points.release(hold=kept, by=actors.till(4), at=at)


def request(customer, reward, now, reference="web:1", quantity=1, **more):
    by = actors.customer(customer.pk)
    told = {"customer": customer, "reward": reward, "quantity": quantity, "reference": reference, **more}
    return redemptions.request(**told, by=by, at=now)


def fulfil(redemption, now):
    redemptions.fulfil(redemption=redemption, by=actors.user(7), at=now)


def cancel(redemption, now):
    redemptions.cancel(redemption=redemption, by=actors.user(7), at=now)


def cancel_own(redemption, now):
    redemptions.cancel_own(redemption=redemption, by=actors.customer(redemption.customer_id), at=now)


def remaining(customer):
    """What is left in the lots, oldest lot first."""
    return list(PointsLot.objects.filter(customer=customer.pk).order_by("pk").values_list("remaining", flat=True))


def allocations(entry):
    """Which lots an entry took from or gave back to: (number of the lot's entry, points)."""
    return list(entry.allocations.order_by("lot_id").values_list("lot__entry__seq", "points"))


def parts(kept):
    """What a hold keeps of which lots: (number of the lot's entry, points)."""
    return list(kept.parts.order_by("lot_id").values_list("lot__entry__seq", "points"))


def available(customer, at):
    return points.summary(customer=customer, at=at).available


def account(customer):
    """(balance, debt, number of entries)."""
    return PointsAccount.objects.values_list("balance", "debt", "last_seq").get(pk=customer.pk)
