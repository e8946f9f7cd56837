"""A survey as a customer sees it, on a phone's width, and its mail to whoever writes it. Nothing of it is recorded."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.core import mail
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import translation
from django.utils.translation import get_language_info, gettext_lazy
from django.utils.translation import gettext as _
from unfold.widgets import UnfoldAdminSelectWidget

from customers.models import User
from loyalty_site.lib.admin import act_page, posted
from rewards.domain.mail_texts import Text
from surveys.domain import invitations, responses, trial_mails
from surveys.forms import ResponseForm, chosen_score
from surveys.models import Campaign, Survey

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin

# The page stands in a frame of the back office's own page, and nowhere else.
_FRAMED = (
    "default-src 'self'; img-src 'self' data:; frame-ancestors 'self'; form-action 'self'; base-uri 'self'; "
    "object-src 'none'"
)


class TrialForm(forms.Form):
    language = forms.ChoiceField(
        label=gettext_lazy("language"), choices=settings.LANGUAGES, widget=UnfoldAdminSelectWidget
    )


def page(model_admin: "ModelAdmin[Survey]", request: HttpRequest, survey: Survey) -> HttpResponse:
    """A frame as wide as a phone, in one language after the other."""
    codes = [code for code, _name in settings.LANGUAGES]
    chosen = request.GET.get("language", "")
    language = chosen if chosen in codes else codes[0]
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.model._meta,
        "original": survey,
        "title": _("Preview of “%s”") % survey,
        "address": phone_url(survey, language),
        "language": get_language_info(language),
        "languages": [get_language_info(code) for code in codes],
    }
    return TemplateResponse(request, "admin/surveys/survey/preview.html", context)


def phone_url(survey: Survey, language: str) -> str:
    return reverse("admin:surveys_survey_phone", args=[survey.pk, language])


def phone(request: HttpRequest, survey: Survey, language: str) -> HttpResponse:
    """The customer's own page. Sending it shows what the customer would be told; nothing is written."""
    if language not in dict(settings.LANGUAGES):
        raise Http404(_("There is no such language."))
    with translation.override(language):
        response = _answered(request, survey)
    response.headers["Content-Security-Policy"] = _FRAMED
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response


def typed(request: HttpRequest, survey: Survey) -> dict[str, str]:
    """The page by language, to be looked at, not to be answered."""
    pages: dict[str, str] = {}
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            context = {"survey": survey, "form": ResponseForm(survey), "preview": True}
            pages[code] = render_to_string("surveys/respond.html", context, request)
    return pages


def trial_mail(
    model_admin: "ModelAdmin[Any]",
    request: HttpRequest,
    row: Survey | Campaign,
    survey: Survey,
    text: Text = invitations.OWN_WORDS,
) -> HttpResponse:
    """The mail of a survey, or of a campaign in its own words."""
    user = request.user
    assert isinstance(user, User)

    def do(data: Any) -> str:
        url = f"{settings.BASE_URL}{phone_url(survey, data['language'])}"
        mailer, told = mail.get_connection(), {"survey": survey, "text": text, "language": data["language"]}
        trial_mails.send(**told, to=user, url=url, mailer=mailer)
        return _("The mail is on its way to %s.") % user.email

    return act_page(
        model_admin,
        request,
        row,
        title=_("Send yourself the mail of “%s”?") % row,
        explanation=_(
            "It goes to your own address, %s. Its links lead to the preview, so nothing that you answer is recorded."
        )
        % user.email,
        button=_("Send it to me"),
        do=do,
        form=TrialForm(posted(request), initial={"language": translation.get_language()}),
    )


def _answered(request: HttpRequest, survey: Survey) -> HttpResponse:
    sent = request.POST if request.method == "POST" else None
    form = ResponseForm(survey, data=sent, score=chosen_score(request.GET.get("score", "")))
    if form.is_valid():
        if form.answers():
            thanked = {"entry": {"points": survey.reward_points} if survey.reward_points else None, "is_customer": True}
            return render(request, "surveys/thanks.html", {"survey": survey, **thanked, "preview": True})
        form.add_error(None, str(responses.NothingAnswered()))
    return render(request, "surveys/respond.html", {"survey": survey, "form": form, "preview": True})
