"""What is compared, when and by how much: written down before the first customer is assigned, and kept."""

import secrets
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from customers.domain import audit
from loyalty_site.lib.actors import Actor
from loyalty_site.lib.errors import DomainError
from rewards.models import Experiment, ExperimentKind


class ExperimentBegun(DomainError):
    code = "experiment_begun"
    message = _("Customers were assigned already: the plan stays as it is. Make a new experiment instead.")


@transaction.atomic
def plan(
    *, kind: ExperimentKind, name: str, holdout_percent: int, by: Actor, at: datetime, **planned: int
) -> Experiment:
    """An experiment that starts at `at`; `planned` are other fields of the plan, for example `horizon_days`."""
    salt = secrets.token_hex(16)
    made = Experiment.objects.create(
        kind=kind, name=name, holdout_percent=holdout_percent, salt=salt, started_at=at, **planned
    )
    _note(made, "experiment.planned", by, at)
    return made


@transaction.atomic
def replan(*, experiment: Experiment, by: Actor, at: datetime, **planned: int) -> None:
    """Changes the plan while nobody is assigned; the same values again change nothing. Raises ExperimentBegun."""
    kept = Experiment.objects.select_for_update().get(pk=experiment.pk)
    if all(getattr(kept, field) == value for field, value in planned.items()):
        return
    if kept.assignments.exists():
        raise ExperimentBegun
    for row in (kept, experiment):
        for field, value in planned.items():
            setattr(row, field, value)
    kept.save(update_fields=list(planned))
    _note(kept, "experiment.planned", by, at)


def _note(experiment: Experiment, action: str, by: Actor, at: datetime) -> None:
    fields = ("holdout_percent", "horizon_days", "window_days", "returning_percent", "difference_percent")
    planned = {field: getattr(experiment, field) for field in fields}
    audit.record(actor=by, action=action, subject=f"experiment:{experiment.pk}", data=planned, at=at)
