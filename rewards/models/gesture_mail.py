"""Mails that tell customers of surprises, and what marketing has them say."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from loyalty_site.lib.texts import LocalizedTextField
from rewards.models import mail
from rewards.models.surprise import Surprise
from rewards.models.surprise_rule import SurpriseRule


class GestureText(models.Model):
    """What the mail for surprises of a rule says. Without one, or where a language is empty, the programme's own words.

    Texts name what they tell of by the placeholders of `rewards.domain.wording`.
    """

    rule = models.OneToOneField(
        SurpriseRule, verbose_name=_("rule"), on_delete=models.CASCADE, related_name="gesture_text"
    )
    subject = LocalizedTextField(pgettext_lazy("mail", "subject"), blank=True)
    body = LocalizedTextField(pgettext_lazy("mail", "text"), long=True, blank=True)

    class Meta:
        verbose_name = _("mail text of a surprise")
        verbose_name_plural = _("mail texts of surprises")

    def __str__(self) -> str:
        return str(self.rule)


class GestureMail(mail.QueuedMail):
    """The one mail that tells of a surprise."""

    surprise = models.OneToOneField(
        Surprise, verbose_name=_("surprise"), on_delete=models.PROTECT, related_name="gesture_mail"
    )

    class Meta:
        verbose_name = _("surprise mail")
        verbose_name_plural = _("surprise mails")
        constraints = mail.rules("gesture_mail")
        indexes = [
            *mail.indexes("gesture_mail"),
            models.Index(fields=["customer"], name="gesture_mail_of_customer"),
        ]
