from django.urls import path

from surveys.views import answering, open_pages

urlpatterns = [
    path("s/<str:token>/", answering.respond, name="survey"),
    path("o/<str:code>/", open_pages.respond, name="survey-open"),
    path("o/<str:code>/thanks/", open_pages.thanks, name="survey-open-thanks"),
    path("s/<str:token>/more/", answering.trap, name="survey-trap"),
    path("s/<str:token>/unsubscribe/", answering.unsubscribe, name="survey-unsubscribe"),
]
