from django.urls import path

from surveys import views

urlpatterns = [
    path("s/<str:token>/", views.respond, name="survey"),
    path("s/<str:token>/unsubscribe/", views.unsubscribe, name="survey-unsubscribe"),
]
