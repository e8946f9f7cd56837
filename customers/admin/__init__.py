from customers.admin import (
    attempt,
    audit,
    catalog,
    consent,
    outbox,
    purchase,
    recommendation,
    rhythm,
    staff,
    store,
    suppression,
)

__all__ = [
    "attempt",
    "audit",
    "catalog",
    "consent",
    "outbox",
    "purchase",
    "recommendation",
    "rhythm",
    "staff",
    "store",
    "suppression",
]
