from customers.admin import audit, catalog, consent, outbox, purchase, segment, staff, store

__all__ = ["audit", "catalog", "consent", "outbox", "purchase", "segment", "staff", "store"]
