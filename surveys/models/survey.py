"""A questionnaire as a whole."""

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from loyalty_site.lib.texts import LocalizedTextField


class Survey(models.Model):
    """A questionnaire. Published surveys no longer change their questions, so that answers stay comparable.

    `reward_points` thank for a complete response, whatever was answered. With `follow_up_hours` a score that a question
    calls low opens a case. What is answered to an anonymous one cannot be led back to the customer.
    """

    name = models.CharField(_("name"), max_length=200, help_text=_("For staff only."))
    title = LocalizedTextField(_("title"))
    introduction = LocalizedTextField(_("introduction"), long=True, blank=True)
    thanks = LocalizedTextField(_("thanks"), long=True, blank=True)
    reward_points = models.PositiveIntegerField(_("points for answering"), default=0)
    is_anonymous = models.BooleanField(_("anonymous"), default=False)
    follow_up_hours = models.PositiveSmallIntegerField(
        _("follow up within (hours)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("A low score opens a case that is due in so many hours. Empty: no cases."),
    )
    published_at = models.DateTimeField(_("published at"), null=True, blank=True, editable=False)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("survey")
        verbose_name_plural = _("surveys")
        constraints = [
            models.CheckConstraint(
                name="survey_leaves_time_to_follow_up",
                condition=Q(follow_up_hours__isnull=True) | Q(follow_up_hours__gte=1),
            ),
            # Whoever follows up has to know whom.
            models.CheckConstraint(
                name="survey_that_is_anonymous_opens_no_cases",
                condition=Q(is_anonymous=False) | Q(follow_up_hours__isnull=True),
            ),
            models.CheckConstraint(
                name="survey_is_closed_after_publishing",
                condition=Q(closed_at__isnull=True) | Q(published_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name
