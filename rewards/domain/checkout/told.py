"""What tills tell."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from customers.domain.purchases import LineIn, ReturnLineIn
from customers.models import Customer, Purchase
from loyalty_site.lib import codes


@dataclass(frozen=True, slots=True)
class PurchaseIn:
    """What a till tells. `coupons` are codes as typed or scanned; `gift_card_minor` is what gift cards paid."""

    receipt_number: str
    customer: Customer | None
    purchased_at: datetime
    currency: str
    lines: Sequence[LineIn]
    coupons: Sequence[str] = ()
    points_to_redeem: int = 0
    gift_card_minor: int = 0

    @property
    def fingerprint(self) -> bytes:
        """SHA-256 of the fact, however its numbers, times and codes were written."""
        fact: dict[str, object] = {
            "customer": self.customer.pk if self.customer else None,
            "purchased_at": self.purchased_at.timestamp(),
            "currency": self.currency,
            "coupons": sorted({codes.normalize(code) for code in self.coupons}),
            "points": self.points_to_redeem,
            "lines": [
                [line.sku, line.name, line.category, f"{line.quantity:.3f}", line.amount_minor] for line in self.lines
            ],
        }
        if self.gift_card_minor:
            fact["gift_card"] = self.gift_card_minor
        if any(line.tax_minor for line in self.lines):
            fact["taxes"] = [line.tax_minor for line in self.lines]
        return _hashed(fact)


@dataclass(frozen=True, slots=True)
class ReturnIn:
    """Goods of one purchase that came back, as a till tells it."""

    return_number: str
    returned_at: datetime
    lines: Sequence[ReturnLineIn]

    def fingerprint_for(self, purchase: Purchase) -> bytes:
        """SHA-256 of the fact, in whatever order and however its numbers and times were written."""
        fact = {
            "purchase": purchase.pk,
            "returned_at": self.returned_at.timestamp(),
            "lines": sorted([line.position, f"{line.quantity:.3f}", line.amount_minor] for line in self.lines),
        }
        return _hashed(fact)


def _hashed(fact: object) -> bytes:
    return hashlib.sha256(json.dumps(fact, ensure_ascii=False, sort_keys=True).encode()).digest()
