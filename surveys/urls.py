from django.urls import path

from surveys import open_pages, views

urlpatterns = [
    path("s/<str:token>/", views.respond, name="survey"),
    path("o/<str:code>/", open_pages.respond, name="survey-open"),
    path("o/<str:code>/thanks/", open_pages.thanks, name="survey-open-thanks"),
    path("s/<str:token>/more/", views.trap, name="survey-trap"),
    path("s/<str:token>/unsubscribe/", views.unsubscribe, name="survey-unsubscribe"),
]
