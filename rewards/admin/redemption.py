"""What customers have taken from the catalogue: handed over against its code, or cancelled."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextInputWidget

from customers.domain import customers
from loyalty_site.lib import codes
from loyalty_site.lib.admin import ReadOnlyAdmin, act, act_page, acting, actor_label, badge, named, posted
from rewards.domain import redemptions
from rewards.models import RedemptionState, RewardRedemption

# A redemption's name is its pick-up code, so these pages go without it.
WITHOUT_CODE: dict[str, Any] = {"original": None, "subtitle": None}


class CodeForm(forms.Form):
    code = forms.CharField(
        label=gettext_lazy("pick-up code"),
        max_length=20,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", "autofocus": True}),
        help_text=gettext_lazy("The customer shows it on their phone."),
    )


class WaitingCodeForm(CodeForm):
    def clean_code(self) -> str:
        code = codes.normalize(self.cleaned_data["code"])
        found = RewardRedemption.objects.filter(pickup_code=code).first()
        if found is None:
            raise forms.ValidationError(_("No reward waits under this code. Please check it with the customer."))
        if found.state != RedemptionState.REQUESTED:
            raise forms.ValidationError(_("This reward is no longer waiting: %s.") % found.get_state_display())
        return code


class PickupCodeForm(CodeForm):
    def __init__(self, data: Any, redemption: RewardRedemption, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.redemption = redemption

    def clean_code(self) -> str:
        code = codes.normalize(self.cleaned_data["code"])
        if code != self.redemption.pickup_code:
            raise forms.ValidationError(_("This is not the code of this redemption."))
        return code


@admin.register(RewardRedemption)
class RewardRedemptionAdmin(ReadOnlyAdmin):
    """The pick-up code is what the customer proves it with, so it is typed, never shown."""

    list_display = ("requested_at", "customer", "reward", "quantity", "points", "progress", "closed_at")
    list_display_links = ("requested_at", "customer")
    list_select_related = ("customer", "reward")
    list_filter = ("state",)
    search_fields = ("pickup_code",)
    search_help_text = gettext_lazy("A pick-up code, or a customer's number, phone, e-mail or card")
    ordering = ("-requested_at", "-id")
    sortable_by = ()
    actions_list = ("find_by_code",)
    actions_detail = ("hand_over", "cancel")
    annotations = {"named_closer": named("closed_by")}
    fields = (
        ("customer", "reward"),
        ("quantity", "points"),
        ("state", "requested_at"),
        ("closed_at", "closer"),
    )

    def matching(self, text: str) -> Q:
        return Q(pickup_code=codes.normalize(text)) | Q(customer__in=[c.pk for c in customers.find(text=text)])

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        context = {**WITHOUT_CODE, **(extra_context or {})}
        page: HttpResponse = super().change_view(request, object_id, form_url, context)
        return page

    def offers(self, act: str, row: RewardRedemption) -> bool:
        return row.state == RedemptionState.REQUESTED

    @act(
        title=gettext_lazy("Hand over"),
        permission="rewards.change_rewardredemption",
        icon="volunteer_activism",
        variant="primary",
    )
    def hand_over(self, request: HttpRequest, object_id: int) -> HttpResponse:
        redemption: RewardRedemption = self.row(request, object_id)

        def do(_data: Any) -> str:
            redemptions.fulfil(redemption=redemption, by=acting(request), at=timezone.now())
            return _("Handed over: %(quantity)s × %(reward)s.") % vars_of(redemption)

        return act_page(
            self,
            request,
            redemption,
            title=_("Hand over %(quantity)s × %(reward)s to %(customer)s") % vars_of(redemption),
            button=_("Handed over"),
            do=do,
            form=PickupCodeForm(posted(request), redemption, initial={"code": request.GET.get("code", "")}),
            context=WITHOUT_CODE,
        )

    @act(
        title=gettext_lazy("Hand over by code"),
        permission="rewards.change_rewardredemption",
        icon="dialpad",
        variant="primary",
    )
    def find_by_code(self, request: HttpRequest) -> HttpResponse:
        """From the code that the customer shows to the page that hands it over."""
        form = WaitingCodeForm(posted(request))
        if request.method == "POST" and form.is_valid():
            code = form.cleaned_data["code"]
            waiting = RewardRedemption.objects.get(pickup_code=code)
            url = reverse("admin:rewards_rewardredemption_hand_over", args=[waiting.pk])
            return HttpResponseRedirect(f"{url}?code={code}")
        return act_page(
            self,
            request,
            None,
            title=_("Hand over a reward"),
            button=_("Look it up"),
            do=lambda _data: "",
            form=form,
        )

    @act(title=gettext_lazy("Cancel"), permission="rewards.change_rewardredemption", icon="undo", variant="danger")
    def cancel(self, request: HttpRequest, object_id: int) -> HttpResponse:
        redemption: RewardRedemption = self.row(request, object_id)

        def do(_data: Any) -> str:
            redemptions.cancel(redemption=redemption, by=acting(request), at=timezone.now())
            return _("Cancelled; the points are back with %(customer)s.") % vars_of(redemption)

        return act_page(
            self,
            request,
            redemption,
            title=_("Cancel %(quantity)s × %(reward)s for %(customer)s?") % vars_of(redemption),
            explanation=_("The points go back to the customer and the reward back to the stock."),
            button=_("Cancel the redemption"),
            do=do,
            danger=True,
            context=WITHOUT_CODE,
        )

    @badge(gettext_lazy("state"), {"REQUESTED": "warning", "FULFILLED": "success", "CANCELLED": "danger"})
    def progress(self, redemption: RewardRedemption) -> tuple[str, str]:
        return redemption.state, redemption.get_state_display()

    @admin.display(description=gettext_lazy("closed by"))
    def closer(self, redemption: Any) -> str:
        return actor_label(redemption.named_closer)


def vars_of(redemption: RewardRedemption) -> dict[str, object]:
    return {"quantity": redemption.quantity, "reward": redemption.reward, "customer": redemption.customer}
