"""The till page, for stores without a till of their own: staff find customers, book, hand over and take back."""
