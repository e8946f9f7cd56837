from customers.admin import attempt, audit, catalog, consent, outbox, purchase, segment, staff, store

__all__ = ["attempt", "audit", "catalog", "consent", "outbox", "purchase", "segment", "staff", "store"]
