"""What tills tell and are told about customers themselves."""

from datetime import date
from typing import Annotated, Literal

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import timezone
from django.utils.translation import gettext as _
from phonenumber_field.phonenumber import to_python
from pydantic import AfterValidator, Field

from customers.models import Purpose, RecommendationKind
from loyalty_site.lib.api.fields import Code, Day, Shown, Text, Told, Word


def _email(text: str) -> str:
    try:
        validate_email(text)
    except ValidationError as error:
        raise ValueError(_("This is no e-mail address.")) from error
    return text


def _phone(text: str) -> str:
    number = to_python(text)
    if not number or not number.is_valid():
        raise ValueError(_("This is no phone number. Begin with + and the country."))
    return str(number.as_e164)


def _birthday(day: date) -> date:
    if not date(1900, 1, 1) <= day <= timezone.now().date():
        raise ValueError(_("Nobody in the programme was born then."))
    return day


class EnrollIn(Told):
    """Somebody who joins. An e-mail address or a phone number is needed."""

    name: Text = Field(examples=["Li Wei"])
    email: Annotated[Text, AfterValidator(_email)] | None = Field(None, examples=["li.wei@example.org"])
    phone: Annotated[Code, AfterValidator(_phone)] | None = Field(None, examples=["+8613812345678"])
    birthday: Annotated[Day, AfterValidator(_birthday)] | None = None
    language: Literal["en", "zh-hans"] = "en"
    consents: list[Literal["survey_email", "marketing_email"]] = Field([], max_length=len(Purpose))
    preferences: list[Word] = Field([], max_length=50, description="codes of categories")


class RecommendationOut(Shown):
    sku: str
    name: str
    category: str
    score: float
    kind: Annotated[str, Field(json_schema_extra={"enum": RecommendationKind.values})]
    reason: str
    hint: str


class RecommendationList(Shown):
    items: list[RecommendationOut]
    next_cursor: str | None = None
