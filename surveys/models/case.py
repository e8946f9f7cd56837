"""What somebody has to put right with a customer, and the story of it."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from customers.models import Customer, Store
from loyalty_site.lib import append_only, constraints
from rewards.models import mail
from surveys.models.response import SurveyResponse


class CaseState(models.TextChoices):
    NEW = "NEW", pgettext_lazy("case", "new")
    ASSIGNED = "ASSIGNED", pgettext_lazy("case", "assigned")
    CONTACTED = "CONTACTED", pgettext_lazy("case", "contacted")
    RESOLVED = "RESOLVED", pgettext_lazy("case", "resolved")
    CLOSED = "CLOSED", pgettext_lazy("case", "closed")


# Somebody still has to do something by the time that it is due.
WAITING = (CaseState.NEW, CaseState.ASSIGNED, CaseState.CONTACTED)


class CaseChannel(models.TextChoices):
    SURVEY = "SURVEY", _("survey")
    HOTLINE = "HOTLINE", _("hotline")
    SOCIAL = "SOCIAL", _("social media")
    COUNTER = "COUNTER", _("counter")
    EMAIL = "EMAIL", _("e-mail")


class CaseSeverity(models.TextChoices):
    NORMAL = "NORMAL", pgettext_lazy("case", "normal")
    SERIOUS = "SERIOUS", pgettext_lazy("case", "serious")


class CaseOutcome(models.TextChoices):
    SOLVED = "SOLVED", _("put right")
    EXPLAINED = "EXPLAINED", _("explained")
    UNREACHED = "UNREACHED", _("customer not reached")
    UNFOUNDED = "UNFOUNDED", _("nothing to put right")


class Case(models.Model):
    """Its number is its id. What was said stands in its events, which are never changed.

    `store` answers for it (None: nobody's yet), `owner` works on it. `version` counts the changes of these columns, so
    that of two people who change it at once the second one is refused. `wrote_at`: since when a mail of the customer
    waits for an answer. `address` is where mails go when no customer is named. `token` names one showing of the form
    that opened it.
    """

    customer = models.ForeignKey(
        Customer, verbose_name=_("customer"), null=True, blank=True, on_delete=models.PROTECT, related_name="cases"
    )
    response = models.OneToOneField(
        SurveyResponse,
        verbose_name=_("response"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="case",
    )
    channel = models.CharField(_("channel"), max_length=10, choices=CaseChannel.choices)
    store = models.ForeignKey(
        Store, verbose_name=_("store"), null=True, blank=True, on_delete=models.PROTECT, related_name="cases"
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=pgettext_lazy("case", "owner"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="cases",
    )
    state = models.CharField(_("state"), max_length=10, choices=CaseState.choices, default=CaseState.NEW)
    severity = models.CharField(_("severity"), max_length=10, choices=CaseSeverity.choices, default=CaseSeverity.NORMAL)
    subject = models.CharField(_("subject"), max_length=200, blank=True)
    address = models.EmailField(_("e-mail"), blank=True)
    opened_at = models.DateTimeField(_("opened at"))
    opened_by = models.CharField(_("opened by"), max_length=40)
    due_at = models.DateTimeField(_("due"))
    wrote_at = models.DateTimeField(_("customer wrote at"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    outcome = models.CharField(_("outcome"), max_length=10, choices=CaseOutcome.choices, blank=True)
    version = models.PositiveIntegerField(default=0, editable=False)
    token = models.UUIDField(_("form"), null=True, editable=False)

    class Meta:
        verbose_name = _("case")
        verbose_name_plural = _("cases")
        constraints = [
            constraints.choice_is_known("case_state_is_known", "state", CaseState),
            constraints.choice_is_known("case_channel_is_known", "channel", CaseChannel),
            constraints.choice_is_known("case_severity_is_known", "severity", CaseSeverity),
            models.CheckConstraint(name="case_outcome_is_known", condition=Q(outcome__in=["", *CaseOutcome.values])),
            models.CheckConstraint(
                name="case_in_hand_has_an_owner",
                condition=Q(state=CaseState.NEW, owner__isnull=True) | ~Q(state=CaseState.NEW) & Q(owner__isnull=False),
            ),
            models.CheckConstraint(
                name="case_closed_says_when_and_how",
                condition=Q(state=CaseState.CLOSED, closed_at__isnull=False) & ~Q(outcome="")
                | ~Q(state=CaseState.CLOSED) & Q(closed_at__isnull=True, outcome=""),
            ),
            models.CheckConstraint(
                name="case_of_a_survey_has_its_response",
                condition=Q(channel=CaseChannel.SURVEY, response__isnull=False)
                | ~Q(channel=CaseChannel.SURVEY) & Q(response__isnull=True),
            ),
            models.CheckConstraint(name="case_is_due_after_it_opened", condition=Q(due_at__gte=F("opened_at"))),
            models.CheckConstraint(name="case_opened_by_someone", condition=~Q(opened_by="")),
            models.UniqueConstraint(fields=["token"], name="case_is_opened_once"),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state__in=WAITING), name="case_waiting_by_due"),
            models.Index(fields=["-opened_at", "-id"], name="case_newest_first"),
        ]

    def __str__(self) -> str:
        return f"{self.pk}"


class CaseEventKind(models.TextChoices):
    OPENED = "OPENED", _("opened")
    NOTE = "NOTE", _("note")
    STATE = "STATE", _("change of state")
    ASSIGNMENT = "ASSIGNMENT", _("assignment")
    DUE = "DUE", _("other due time")
    MAIL_OUT = "MAIL_OUT", _("mail to the customer")
    MAIL_IN = "MAIL_IN", _("mail from the customer")
    BOUNCE = "BOUNCE", _("mail that came back")
    GESTURE = "GESTURE", _("gesture")
    GESTURE_UNDONE = "GESTURE_UNDONE", _("gesture taken back")


class CaseEvent(models.Model):
    """One step of the story. Forgetting a person empties `text`, `address`, `message_id` and `attachments`, nothing
    else ever changes it.

    `data`: for STATE `from` and `to`, for ASSIGNMENT the `owner` (id), for GESTURE `points` or `coupon` (id) and
    `cost_minor`; never words. `attachments` are the names of files that a mail brought and nobody kept.
    """

    case = models.ForeignKey(
        Case, verbose_name=_("case"), on_delete=models.PROTECT, related_name="events", db_index=False
    )
    kind = models.CharField(_("kind"), max_length=15, choices=CaseEventKind.choices)
    happened_at = models.DateTimeField(_("happened at"))
    actor = models.CharField(_("actor"), max_length=40)
    text = models.TextField(_("text"), blank=True)
    address = models.CharField(_("e-mail"), max_length=320, blank=True)
    message_id = models.CharField(_("message id"), max_length=250, blank=True)
    attachments = models.JSONField(_("attachments"), default=list)
    data = models.JSONField(_("data"), default=dict)

    class Meta:
        verbose_name = _("event of a case")
        verbose_name_plural = _("events of cases")
        triggers = append_only.refuse_update_and_delete()
        constraints = [
            constraints.choice_is_known("case_event_kind_is_known", "kind", CaseEventKind),
            models.CheckConstraint(name="case_event_has_an_actor", condition=~Q(actor="")),
            models.UniqueConstraint(
                fields=["message_id"], condition=~Q(message_id=""), name="case_event_of_a_mail_is_kept_once"
            ),
        ]
        indexes = [models.Index(fields=["case", "id"], name="case_event_in_order")]

    def __str__(self) -> str:
        return f"{self.pk}"


class CaseMail(mail.QueuedMail):
    """A mail of a case on its way: its words are its event's."""

    customer = models.ForeignKey(  # type: ignore[assignment]
        Customer, verbose_name=_("customer"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    event = models.OneToOneField(
        CaseEvent, verbose_name=_("event of a case"), on_delete=models.PROTECT, related_name="mail"
    )

    class Meta:
        verbose_name = _("mail of a case")
        verbose_name_plural = _("mails of cases")
        constraints = mail.rules("case_mail")
        indexes = mail.indexes("case_mail")
