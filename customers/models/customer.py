"""Who the customers are and how they are found."""

from django.conf import settings
from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import ExtractDay, ExtractMonth, Lower, Upper
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from phonenumber_field.modelfields import PhoneNumberField

from customers.models.catalog import Category
from customers.models.store import Store
from loyalty_site.lib import codes


class Customer(models.Model):
    """A person in the programme. Erasure empties the personal fields and keeps the row, so that the numbers stay.

    A row that was merged into another is closed; whoever names it is led to `merged_into`, which may be merged further.
    """

    NUMBER_LENGTH = 8

    number = models.CharField(
        _("number"), max_length=NUMBER_LENGTH, unique=True, editable=False, help_text=_("Printed on the card.")
    )
    name = models.CharField(pgettext_lazy("person", "name"), max_length=200, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    phone = PhoneNumberField(_("phone"), blank=True)
    birthday = models.DateField(_("birthday"), null=True, blank=True)
    language = models.CharField(_("language"), max_length=10, choices=settings.LANGUAGES, default="en")
    home_store = models.ForeignKey(
        Store, verbose_name=_("home store"), null=True, blank=True, on_delete=models.PROTECT, related_name="customers"
    )
    enrolled_at = models.DateTimeField(_("enrolled at"))
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True, editable=False)
    profiling_refused_at = models.DateTimeField(
        _("recommendations switched off at"), null=True, blank=True, editable=False
    )
    erased_at = models.DateTimeField(_("erased at"), null=True, blank=True, editable=False)
    merged_into = models.ForeignKey(
        "self",
        verbose_name=_("merged into"),
        null=True,
        blank=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="merged_from",
    )

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        constraints = [
            models.UniqueConstraint(Lower("email"), condition=~Q(email=""), name="customer_email_is_unique"),
            models.UniqueConstraint(fields=["phone"], condition=~Q(phone=""), name="customer_phone_is_unique"),
            models.CheckConstraint(
                name="customer_language_is_known", condition=Q(language__in=[code for code, _ in settings.LANGUAGES])
            ),
            models.CheckConstraint(
                name="customer_erased_keeps_nothing_personal",
                condition=Q(erased_at__isnull=True) | Q(name="", email="", phone="", birthday__isnull=True),
            ),
            models.CheckConstraint(
                name="customer_merged_is_closed", condition=Q(merged_into__isnull=True) | Q(closed_at__isnull=False)
            ),
            models.CheckConstraint(
                name="customer_is_not_merged_into_itself",
                condition=Q(merged_into__isnull=True) | ~Q(merged_into=F("pk")),
            ),
            models.CheckConstraint(
                name="customer_erased_is_closed", condition=Q(erased_at__isnull=True) | Q(closed_at__isnull=False)
            ),
        ]
        indexes = [
            models.Index(OpClass(Upper("name"), name="text_pattern_ops"), name="customer_by_name_start"),
            models.Index(fields=["-enrolled_at"], name="customer_newest_first"),
            models.Index(
                ExtractMonth("birthday"),
                ExtractDay("birthday"),
                condition=Q(birthday__isnull=False, closed_at__isnull=True),
                name="customer_by_birthday",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.display_number

    @property
    def display_number(self) -> str:
        """`C7K294QX` as people read it: `C7K2-94QX`."""
        return codes.grouped(self.number)


class Card(models.Model):
    """A further identifier that finds a customer: a plastic card, or the key an older system or a file gave."""

    customer = models.ForeignKey(Customer, verbose_name=_("customer"), on_delete=models.CASCADE, related_name="cards")
    number = models.CharField(_("number"), max_length=64, unique=True)
    added_at = models.DateTimeField(_("added at"))

    class Meta:
        verbose_name = _("card")
        verbose_name_plural = _("cards")
        constraints = [models.CheckConstraint(name="card_number_is_not_empty", condition=~Q(number=""))]

    def __str__(self) -> str:
        return self.number


class Preference(models.Model):
    """A category that the customer said they like."""

    customer = models.ForeignKey(
        Customer, verbose_name=_("customer"), on_delete=models.CASCADE, related_name="preferences", db_index=False
    )
    category = models.ForeignKey(Category, verbose_name=_("category"), on_delete=models.CASCADE, related_name="+")
    stated_at = models.DateTimeField(_("stated at"))

    class Meta:
        verbose_name = _("preference")
        verbose_name_plural = _("preferences")
        constraints = [
            models.UniqueConstraint(fields=["customer", "category"], name="preference_is_stated_once"),
        ]

    def __str__(self) -> str:
        return str(self.category)


class SignInCode(models.Model):
    """A request for a one-time code. The worker makes the code when it mails it, so only its hash is ever stored.

    A row is written for strangers too (`customer` empty): from outside both look the same.
    """

    customer = models.ForeignKey(Customer, null=True, on_delete=models.CASCADE, related_name="+")
    address_hash = models.CharField(max_length=64, editable=False)
    browser_hash = models.CharField(max_length=64, unique=True, editable=False)
    requested_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    code_hash = models.CharField(max_length=64, blank=True, editable=False)
    failed_attempts = models.PositiveSmallIntegerField(default=0)
    used_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("sign-in code")
        verbose_name_plural = _("sign-in codes")
        indexes = [
            models.Index(fields=["address_hash", "requested_at"], name="sign_in_code_by_address"),
            models.Index(fields=["requested_at"], condition=Q(sent_at__isnull=True), name="sign_in_code_to_send"),
        ]

    def __str__(self) -> str:
        return f"{self.pk}"
