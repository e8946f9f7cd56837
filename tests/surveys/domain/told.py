"""What became of a delivery, as tests ask for it."""


def address(delivery):
    return delivery.customer.email


def outcome(delivery):
    """Its state and the server's reply, as they are now."""
    delivery.refresh_from_db()
    return delivery.state, delivery.smtp_reply
