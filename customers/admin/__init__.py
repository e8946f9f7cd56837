from customers.admin import audit, catalog, consent, outbox, purchase, staff, store

__all__ = ["audit", "catalog", "consent", "outbox", "purchase", "staff", "store"]
