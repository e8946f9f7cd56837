"""Marketing's words for mails, shown as a phone shows them while they are typed."""

from collections.abc import Callable, Iterable
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.translation import get_language_info
from django.utils.translation import gettext_lazy as _

from loyalty_site.lib.admin import RowForm
from loyalty_site.lib.errors import DomainError
from rewards.domain import told_mails, wording
from rewards.domain.letters import Shown
from rewards.domain.mail_texts import Text
from rewards.models import Offer, Program

# What some mail of a surprise may name: those of coupons and those of points.
EVERY = tuple(dict.fromkeys((*wording.OF_COUPON, *wording.OF_POINTS)))


class MailPreview(forms.Widget):
    """The mail in each language; `address` is where the form is posted to."""

    template_name = "components/mail_preview.html"

    class Media:
        js = ("js/mail-preview.js",)

    def __init__(self, address: Callable[[], str], names: str) -> None:
        super().__init__()
        self.address, self.names = address, names

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["widget"] |= {
            "address": self.address(),
            "names": self.names,
            "languages": [(code, get_language_info(code)["name_local"]) for code, _name in settings.LANGUAGES],
        }
        return context


def preview_field(address: Callable[[], str], *, names: Iterable[str] = EVERY) -> forms.Field:
    """`names` are the placeholders that can be written; none where nothing is written."""
    told = " ".join(f"{{{name}}}" for name in names)
    return forms.CharField(label=_("as a phone shows it"), required=False, widget=MailPreview(address, told))


class MailTextForm(RowForm):
    """A row with `subject` and `body`, whose placeholders must be known."""

    def points(self, cleaned: dict[str, Any]) -> bool:
        """Whether the mail tells of points, not of a coupon."""
        return False

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        for name in ("subject", "body"):
            text = Text(**{"subject": {}, "body": {}, name: cleaned.get(name) or {}})
            try:
                told_mails.check(text=text, points=self.points(cleaned))
            except DomainError as refusal:
                self.add_error(name, str(refusal))
        return cleaned


def preview(
    *,
    form: "forms.ModelForm[Any]",
    default: Text,
    offer: Offer | None,
    points: int | None,
) -> HttpResponse:
    """The mails by language, or what is wrong with their words; `form` was looked through."""
    problems = [str(problem) for name in ("subject", "body") for problem in form.errors.get(name, [])]
    if problems:
        return JsonResponse({"problem": " ".join(problems)})
    text = Text(form.cleaned_data["subject"], form.cleaned_data["body"])
    shared: dict[str, Any] = {"program": Program.objects.current(), "offer": offer, "points": points}
    return shown(
        lambda code: told_mails.preview(text=text, default=default, language=code, at=timezone.now(), **shared)
    )


def shown(mail_in: Callable[[str], Shown]) -> JsonResponse:
    """What static/js/mail-preview.js shows: by language the page, and what stands above it in a list of mails."""
    mails = {code: mail_in(code) for code, _name in settings.LANGUAGES}
    return JsonResponse(
        {
            "mails": {code: mail.page for code, mail in mails.items()},
            "heads": {code: {"sender": mail.sender, "subject": mail.subject} for code, mail in mails.items()},
        }
    )
