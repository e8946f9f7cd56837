"""Browsers of customers who are signed in."""

from importlib import import_module

from django.conf import settings
from django.test import Client

from customers.domain import sign_in
from customers.models import Customer


def signed_in(customer: Customer) -> Client:
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    sign_in.open_session(session, customer)
    session.save()
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
    return client
