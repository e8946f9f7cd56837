"""What customers see of their own data."""

from django.urls import path

from customers.views import profile, ratings, sign_in

portal_patterns = [
    path("me/", profile.profile, name="profile"),
    path("me/not-for-me/", ratings.not_for_me, name="not-for-me"),
    path("sign-in/", sign_in.ask_for_code, name="sign-in"),
    path("sign-in/code/", sign_in.enter_code, name="sign-in-code"),
    path("sign-out/", sign_in.sign_out, name="sign-out"),
]
