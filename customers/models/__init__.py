from customers.models.attempt import AttemptCount
from customers.models.audit import AuditEvent
from customers.models.catalog import Category, Product
from customers.models.consent import Consent, Purpose
from customers.models.contact import Contact
from customers.models.customer import Card, Customer, Preference, SignInCode
from customers.models.idempotent_call import IdempotentCall
from customers.models.merge import CustomerMerge
from customers.models.outbox import OutboxMail
from customers.models.purchase import Purchase, PurchaseLine, PurchaseReturn, PurchaseReturnLine, PurchaseSource
from customers.models.purchase_import import ImportState, PurchaseImport
from customers.models.rating import ProductRating
from customers.models.recommendation import Recommendation, RecommendationKind, RecommendationRun
from customers.models.rhythm import Forecast, RfmGroup, Rhythm, RhythmMap
from customers.models.segment import Segment, SegmentMember, SegmentSize
from customers.models.staff import User
from customers.models.store import Store, Till, TillScope
from customers.models.suppression import AddressReason, SoftBounce, SuppressedAddress

__all__ = [
    "AddressReason",
    "AttemptCount",
    "AuditEvent",
    "Card",
    "Category",
    "Consent",
    "Contact",
    "Customer",
    "Forecast",
    "IdempotentCall",
    "CustomerMerge",
    "ImportState",
    "OutboxMail",
    "Preference",
    "Product",
    "ProductRating",
    "Purchase",
    "PurchaseImport",
    "PurchaseLine",
    "PurchaseReturn",
    "PurchaseReturnLine",
    "PurchaseSource",
    "Purpose",
    "Recommendation",
    "RecommendationKind",
    "RecommendationRun",
    "RfmGroup",
    "Rhythm",
    "RhythmMap",
    "Segment",
    "SegmentMember",
    "SegmentSize",
    "SignInCode",
    "SoftBounce",
    "Store",
    "SuppressedAddress",
    "Till",
    "TillScope",
    "User",
]
