from customers.admin import (
    attempt,
    audit,
    catalog,
    consent,
    outbox,
    purchase,
    rhythm,
    segment,
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
    "rhythm",
    "segment",
    "staff",
    "store",
    "suppression",
]
