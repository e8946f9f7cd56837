"""What customers see of their points, coupons and rewards."""

from django.urls import path

from rewards import views

portal_patterns = [
    path("coupons/", views.coupons, name="coupons"),
    path("coupons/<int:coupon_id>/", views.coupon, name="coupon"),
    path("rewards/", views.rewards, name="rewards"),
    path("rewards/<int:reward_id>/", views.redeem, name="reward-redeem"),
    path("rewards/taken/<int:redemption_id>/", views.redemption, name="redemption"),
    path("rewards/taken/<int:redemption_id>/cancel/", views.cancel, name="redemption-cancel"),
    path("rewards/pictures/<slug:sha256>.webp", views.picture, name="reward-picture"),
    path("brand/<slug:color>.css", views.brand, name="brand"),
    path("news/<str:token>/unsubscribe/", views.unsubscribe, name="news-unsubscribe"),
    path("news/<str:token>/", views.mail_preferences, name="mail-preferences"),
    path("activity/", views.activity, name="activity"),
]
