"""Cases in the back office: whose they are, what is overdue, and each one's page with its next step."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.core.exceptions import PermissionDenied
from django.db.models import Case as Chosen
from django.db.models import Q, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from customers.domain import customers
from loyalty_site.lib.admin import States, act, act_page, acting, badge, posted, state_filter
from surveys.admin import case_forms, case_page
from surveys.admin.case_opening import Opening
from surveys.domain import case_mails, cases, gestures
from surveys.models import WAITING, Case, CaseOutcome, CaseState

WAITING_FIRST = Chosen(When(state__in=WAITING, then=Value(0)), default=Value(1)).asc()
CHANGE = "surveys.change_case"
OPEN = (*WAITING, CaseState.RESOLVED)
OFFERED = {
    "take": OPEN,
    "write": OPEN,
    "contacted": (CaseState.NEW, CaseState.ASSIGNED),
    "resolve": WAITING,
    "close": OPEN,
    "reopen": (CaseState.RESOLVED, CaseState.CLOSED),
    "assign": OPEN,
    "pass_on": OPEN,
    "put_off": WAITING,
}


def states(now: datetime) -> States:
    return {
        "waiting": (_("to be worked on"), cases.is_waiting()),
        "overdue": (_("overdue"), cases.is_overdue(at=now)),
        "wrote": (_("a mail waits for an answer"), Q(wrote_at__isnull=False)),
        "closed": (CaseState.CLOSED.label, Q(state=CaseState.CLOSED)),
    }


class WhoseFilter(SimpleListFilter):
    title = gettext_lazy("whose")
    parameter_name = "whose"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("mine", _("mine")), ("nobody", _("nobody's yet"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = {"mine": Q(owner=request.user.pk), "nobody": Q(owner__isnull=True)}
        return queryset.filter(chosen.get(self.value() or "", Q()))


def next_step(case: Case, *, own: bool) -> str:
    """What is most likely to be done now."""
    if case.state in OPEN and not own:
        return "take"
    if case.wrote_at and case.state in OPEN:
        return "write"
    by_state = {"ASSIGNED": "write", "CONTACTED": "resolve", "RESOLVED": "close", "CLOSED": "reopen"}
    return by_state.get(case.state, "take")


@admin.register(Case)
class CaseAdmin(Opening):
    list_display = ("number", "about", "customer", "store", "owner", "condition", "due")
    list_display_links = ("number", "about")
    list_select_related = ("customer", "store", "owner")
    list_filter = (
        WhoseFilter,
        state_filter(name="is", label=gettext_lazy("condition"), states=states),
        "channel",
        "state",
        ("store", AutocompleteSelectFilter),
    )
    search_fields = ("customer",)
    search_help_text = gettext_lazy(
        "A customer's number, phone, e-mail or card, a case's number, or words of its subject"
    )
    ordering = (WAITING_FIRST, "due_at", "-pk")
    sortable_by = ()
    store_lookup = "store"
    actions_detail = (
        "take",
        "write",
        "contacted",
        "resolve",
        "close",
        "reopen",
        "note",
        "give",
        "take_back",
        "assign",
        "pass_on",
        "put_off",
    )

    def matching(self, text: str) -> Q:
        people = [pk for customer in customers.find(text=text) for pk in customers.family(customer=customer)]
        number = Q(pk=int(text)) if text.isascii() and text.isdecimal() and len(text) < 19 else Q(pk__in=[])
        words = Q(subject__icontains=text) if "\0" not in text else Q(pk__in=[])
        return Q(customer__in=people) | number | words

    def get_queryset(self, request: HttpRequest) -> QuerySet[Case]:
        return super().get_queryset(request).select_related("customer", "store", "owner", "response__survey")

    def offers(self, act: str, row: Case) -> bool:
        if act in ("give", "take_back"):
            has_gesture = gestures.standing_of(row) is not None
            return has_gesture if act == "take_back" else not has_gesture and bool(row.customer_id and row.store_id)
        return act not in OFFERED or row.state in OFFERED[act]

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Nobody takes on what is theirs."""
        allowed = super().get_actions_detail(request, object_id)
        mine = Case.objects.filter(pk=object_id, owner=request.user.pk).exists()
        return [act for act in allowed if not mine or act.method.original_function_name != "take"]

    def steps(self, request: HttpRequest, case: Case) -> list[Any]:
        """The acts that are possible, what comes next first."""
        url = reverse(f"admin:surveys_case_{next_step(case, own=case.owner_id == request.user.pk)}", args=[case.pk])
        steps: list[Any] = self.buttons(request, case)
        return sorted(steps, key=lambda step: step["path"] != url)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        case: Case = self.row(request, object_id)
        if request.method == "POST":
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "original": case,
            "title": _("Case %s") % case,
            "acts": self.steps(request, case),
            # What is nobody's is taken on at once; what is somebody's is asked about.
            "take_url": "" if case.owner_id else reverse("admin:surveys_case_take", args=[case.pk]),
            **case_page.show(request, case=case, at=timezone.now()),
        }
        return TemplateResponse(request, "admin/surveys/case/page.html", context)

    @act(title=gettext_lazy("Take it on"), permission=CHANGE, icon="back_hand")
    def take(self, request: HttpRequest, object_id: int) -> HttpResponse:
        case: Case = self.row(request, object_id)

        def do(_data: Any) -> str:
            cases.assign(case=case, owner=request.user, by=acting(request), at=timezone.now())  # type: ignore[arg-type]
            return _("It is your case now.")

        form = case_forms.StepForm(posted(request), case=case)
        return self._ask(request, case, _("Take case %s on?") % case, _("Take it on"), do, form)

    @act(title=gettext_lazy("Write a mail"), permission=CHANGE, icon="mail")
    def write(self, request: HttpRequest, object_id: int) -> HttpResponse:
        case: Case = self.row(request, object_id)
        address = case_mails.address_of(case)

        def do(data: Any) -> str:
            case_mails.write(case=case, text=data["text"], token=data["token"], by=acting(request), at=timezone.now())
            return _("The mail is on its way.")

        explanation = _("To %s. Name of store and programme are added below.") % address if address else ""
        form = case_forms.MailForm(posted(request), initial={"text": case_mails.greeting(case)})
        title = _("Write to the customer of case %s") % case
        return self._ask(request, case, title, _("Send"), do, form, explanation)

    @act(title=gettext_lazy("Customer contacted"), permission=CHANGE, icon="call")
    def contacted(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return self._step(request, object_id, CaseState.CONTACTED, _("Customer contacted"))

    @act(title=gettext_lazy("Resolved"), permission=CHANGE, icon="task_alt")
    def resolve(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return self._step(request, object_id, CaseState.RESOLVED, _("Resolved"))

    @act(title=pgettext_lazy("case", "Close"), permission=CHANGE, icon="check_circle")
    def close(self, request: HttpRequest, object_id: int) -> HttpResponse:
        case: Case = self.row(request, object_id)

        def do(data: Any) -> str:
            outcome = CaseOutcome(data["outcome"])
            cases.close(case=case, outcome=outcome, text=data["text"], by=acting(request), at=timezone.now())
            return _("Case %s is closed.") % case

        form = case_forms.CloseForm(posted(request), case=case)
        return self._ask(request, case, _("Close case %s") % case, _("Close the case"), do, form)

    @act(title=gettext_lazy("Open again"), permission=CHANGE, icon="undo")
    def reopen(self, request: HttpRequest, object_id: int) -> HttpResponse:
        case: Case = self.row(request, object_id)

        def do(data: Any) -> str:
            cases.reopen(case=case, reason=data["reason"], by=acting(request), at=timezone.now())
            return _("Case %s is open again.") % case

        form = case_forms.ReasonForm(posted(request), case=case)
        return self._ask(request, case, _("Open case %s again") % case, _("Open again"), do, form)

    @act(title=gettext_lazy("Note"), permission=CHANGE, icon="edit_note")
    def note(self, request: HttpRequest, object_id: int) -> HttpResponse:
        case: Case = self.row(request, object_id)

        def do(data: Any) -> str:
            cases.note(case=case, text=data["text"], by=acting(request), at=timezone.now())
            return _("Noted.")

        form = case_forms.NoteForm(posted(request))
        return self._ask(request, case, _("A note in case %s") % case, _("Note"), do, form, _("Only staff read it."))

    @act(title=gettext_lazy("Give something"), permission=CHANGE, icon="volunteer_activism")
    def give(self, request: HttpRequest, object_id: int) -> HttpResponse:
        case, at = self.row(request, object_id), timezone.now()

        def do(data: Any) -> str:
            told = {"case": case, "reason": data["reason"], "by": acting(request), "at": at}
            if data["points"]:
                gesture = gestures.give_points(number=data["points"], **told)
            else:
                gesture = gestures.give_coupon(offer=data["offer"], **told)
            return _("Given: %s.") % case_page.gesture_words(gesture)

        budget = gestures.of_month(store=case.store, at=at) if case.store else None
        form = case_forms.GestureForm(posted(request), case=case, at=at)
        title = _("Say sorry in case %s") % case
        return self._ask(request, case, title, _("Give"), do, form, case_page.budget_words(budget))

    @act(title=gettext_lazy("Take the gesture back"), permission=CHANGE, icon="undo")
    def take_back(self, request: HttpRequest, object_id: int) -> HttpResponse:
        case: Case = self.row(request, object_id)
        gesture = gestures.standing_of(case)

        def do(data: Any) -> str:
            if gesture:
                gestures.take_back(gesture=gesture, reason=data["reason"], by=acting(request), at=timezone.now())
            return _("Taken back; the budget has it again.")

        explanation = case_page.gesture_words(gesture) if gesture else ""
        form = case_forms.UndoForm(posted(request))
        return self._ask(request, case, _("Take the gesture back?"), _("Take back"), do, form, explanation)

    @act(title=gettext_lazy("Give to somebody"), permission=CHANGE, icon="person_add")
    def assign(self, request: HttpRequest, object_id: int) -> HttpResponse:
        case: Case = self.row(request, object_id)

        def do(data: Any) -> str:
            cases.assign(case=case, owner=data["owner"], by=acting(request), at=timezone.now())
            return _("%(owner)s has case %(case)s now.") % {"owner": data["owner"], "case": case}

        form = case_forms.OwnerForm(posted(request), case=case)
        return self._ask(request, case, _("Whose is case %s?") % case, _("Give"), do, form)

    @act(title=gettext_lazy("Other store"), permission=CHANGE, icon="store")
    def pass_on(self, request: HttpRequest, object_id: int) -> HttpResponse:
        case: Case = self.row(request, object_id)

        def do(data: Any) -> str:
            cases.pass_on(case=case, store=data["store"], by=acting(request), at=timezone.now())
            return _("%(store)s answers for case %(case)s now.") % {"store": data["store"], "case": case}

        return act_page(
            self,
            request,
            None,  # it may be out of sight afterwards
            title=_("Pass case %s on to another store") % case,
            button=_("Pass on"),
            do=do,
            form=case_forms.StoreForm(posted(request), case=case),
        )

    @act(title=gettext_lazy("Other due time"), permission=CHANGE, icon="schedule")
    def put_off(self, request: HttpRequest, object_id: int) -> HttpResponse:
        case, at = self.row(request, object_id), timezone.now()

        def do(data: Any) -> str:
            due_at = at + timedelta(hours=data["hours"])
            cases.put_off(case=case, due_at=due_at, reason=data["reason"], by=acting(request), at=at)
            return _("The due time is changed.")

        form = case_forms.DueForm(posted(request), case=case)
        return self._ask(request, case, _("When is case %s due?") % case, _("Change"), do, form)

    def _step(self, request: HttpRequest, object_id: int, to: CaseState, title: str) -> HttpResponse:
        case: Case = self.row(request, object_id)

        def do(data: Any) -> str:
            cases.step(case=case, to=to, text=data["text"], by=acting(request), at=timezone.now())
            return _("Case %(case)s is %(state)s.") % {"case": case, "state": to.label}

        return self._ask(request, case, title, title, do, case_forms.SaidForm(posted(request), case=case))

    def _ask(
        self, request: HttpRequest, case: Case, title: str, button: str, do: Any, form: Any, explanation: str = ""
    ) -> HttpResponse:
        return act_page(self, request, case, title=title, explanation=explanation, button=button, do=do, form=form)

    @admin.display(description=gettext_lazy("case"))
    def number(self, case: Case) -> str:
        return str(case)

    @admin.display(description=gettext_lazy("about"))
    def about(self, case: Case) -> str:
        return case.subject or case.get_channel_display()

    @badge(
        gettext_lazy("condition"),
        {"OVERDUE": "danger", "WROTE": "warning", "NEW": "info", "RESOLVED": "success", "CLOSED": "success"},
    )
    def condition(self, case: Case) -> tuple[str, str]:
        if case.state in WAITING and case.due_at < timezone.now():
            return "OVERDUE", _("overdue")
        if case.wrote_at:
            return "WROTE", _("customer wrote")
        return case.state, case.get_state_display()

    @admin.display(description=gettext_lazy("due"))
    def due(self, case: Case) -> datetime | None:
        return case.due_at if case.state in WAITING else None
