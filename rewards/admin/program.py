from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminColorInputWidget

from loyalty_site.lib import colors
from loyalty_site.lib.admin import ModelAdmin, RowForm, act, act_page, acting, only_for, posted
from rewards.admin import mail_text
from rewards.admin.reward import PictureForm
from rewards.domain import logos, mail_texts, told_mails
from rewards.domain.mail_texts import Text
from rewards.models import ExpiryPolicy, Offer, Program, TierWindow

_PREVIEW = "rewards_program_preview"
_CHANGE = "rewards.change_program"
_SAMPLE = {"en": "Tea for two", "zh-hans": "双人下午茶"}
_PERIODS = (ExpiryPolicy.ROLLING, ExpiryPolicy.INACTIVITY)


class ProgramForm(RowForm):
    money_fields = {"point_value_minor": _("value of a point")}
    preview = mail_text.preview_field(lambda: reverse(f"admin:{_PREVIEW}"), names=())

    class Meta:
        widgets = {"brand_color": UnfoldAdminColorInputWidget}
        labels = {"shortfall_policy": _("missing points")}
        help_texts = {
            "shortfall_policy": _("When points of a returned purchase are spent already."),
            "expiry_policy": _("Points keep the rule under which they were earned. They lapse at midnight."),
            "expiry_months": _(
                "Counted from the day on which the points can be spent, or from the last purchase or redemption. With"
                " fixed days 0 means the next one."
            ),
            "expiry_period_end": _("So that a customer's points lapse together."),
            "tier_basis": _("The tiers say how much it takes: look at them again when you change this."),
            "tier_window": _(
                "With the calendar year, a tier is kept through the year after the one it was reached in."
            ),
            "expiry_days": _("Month-day, several with commas: 06-30, 12-31. 02-29 is the last day of February."),
        }

    def clean_brand_color(self) -> str:
        """Letters of this color stand on our pages' paper, and white ones on it."""
        color = str(self.cleaned_data["brand_color"]).lower()
        try:
            contrast = colors.contrast(color, colors.PAPER)
        except ValueError as error:
            raise forms.ValidationError(_("A color is written like #14614f.")) from error
        if contrast < colors.READABLE:
            pale = _("Too pale to be read: its contrast is %(contrast)s to 1, and 4.5 are needed. Take a darker one.")
            raise forms.ValidationError(pale, params={"contrast": f"{int(contrast * 100) / 100:.2f}"})
        return color

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        policy = cleaned.get("expiry_policy")
        if cleaned.get("expiry_months") == 0 and policy == ExpiryPolicy.NEVER:
            cleaned["expiry_months"] = Program._meta.get_field("expiry_months").default  # not shown, so not asked
        elif cleaned.get("expiry_months") == 0 and policy != ExpiryPolicy.FIXED:
            self.add_error("expiry_months", _("Give at least one month; only with fixed days there may be none."))
        if "quiet_until" not in self.errors and (cleaned.get("quiet_from") is None) != (
            cleaned.get("quiet_until") is None
        ):
            self.add_error("quiet_until", _("Say when they begin and when they end, or neither."))
        elif cleaned.get("quiet_from") and cleaned["quiet_from"] == cleaned["quiet_until"]:
            self.add_error("quiet_until", _("They end at another time than they begin."))
        return cleaned


@admin.register(Program)
class ProgramAdmin(ModelAdmin):
    """One row: its list leads straight to it."""

    form = ProgramForm
    conditional_fields = {
        **only_for("expiry_policy", (*_PERIODS, ExpiryPolicy.FIXED), "expiry_months"),
        **only_for("expiry_policy", _PERIODS, "expiry_period_end"),
        **only_for("expiry_policy", ExpiryPolicy.FIXED, "expiry_days"),
        **only_for("tier_window", TierWindow.ROLLING, "tier_months"),
    }
    readonly_fields = ("logo_look",)
    actions_detail = ("set_logo", "remove_logo")
    fieldsets = (
        (None, {"fields": ("name", "timezone", "currency")}),
        (_("Look"), {"fields": ("brand_color", "logo_look", "preview")}),
        (
            _("Points"),
            {
                "fields": (
                    "point_value_minor",
                    "earns_on_tax",
                    "pending_days",
                    "shortfall_policy",
                    "adjustment_threshold",
                )
            },
        ),
        (_("Rewards"), {"fields": ("customer_cancel_hours",)}),
        (
            _("Mails"),
            {
                "fields": (
                    ("mail_max", "mail_days"),
                    ("quiet_from", "quiet_until"),
                    "mails_per_minute",
                    "notice_recommends",
                    ("sender_name", "reply_to"),
                    "postal_address",
                )
            },
        ),
        (_("Lapse"), {"fields": ("expiry_policy", "expiry_months", "expiry_period_end", "expiry_days")}),
        (_("Tiers"), {"fields": ("tier_basis", "tier_window", "tier_months", "tier_grace_days", "tier_downgrade")}),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and not Program.objects.exists()

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        program = Program.objects.first()
        if program and self.has_view_permission(request, program):
            return HttpResponseRedirect(reverse("admin:rewards_program_change", args=[program.pk]))
        if self.has_add_permission(request):
            return HttpResponseRedirect(reverse("admin:rewards_program_add"))
        return super().changelist_view(request, extra_context)

    def get_urls(self) -> list[Any]:
        return [path("preview/", self.admin_site.admin_view(self.preview), name=_PREVIEW), *super().get_urls()]

    def preview(self, request: HttpRequest) -> HttpResponse:
        """A mail as the form would make it look, before it is saved."""
        program = Program.objects.current()
        if not (self.has_change_permission(request) or self.has_add_permission(request)):
            raise PermissionDenied
        form = self.get_form(request, program)(request.POST, instance=program)
        form.is_valid()
        if problems := form.errors.get("brand_color"):
            return JsonResponse({"problem": " ".join(map(str, problems))})
        told: dict[str, Any] = {"text": Text({}, {}), "default": mail_texts.OFFER, "offer": Offer(title=_SAMPLE)}
        told |= {"program": form.instance, "at": timezone.now()}
        return mail_text.shown(lambda code: told_mails.preview(**told, language=code))

    def offers(self, act: str, row: Program) -> bool:
        return act != "remove_logo" or row.logo_id is not None

    @act(title=_("Set the logo"), permission=_CHANGE, icon="add_photo_alternate")
    def set_logo(self, request: HttpRequest, object_id: int) -> HttpResponse:
        program: Program = self.row(request, object_id)

        def do(data: Any) -> str:
            logos.hang(program=program, upload=data["file"], by=acting(request), at=timezone.now())
            return gettext("Pages and mails show the logo from now on.")

        return act_page(
            self,
            request,
            program,
            title=gettext("A logo for %s") % program,
            explanation=gettext(
                "It stands at the top of pages and mails, at most 240 × 64 pixels large, on a white or pale ground."
            ),
            button=gettext("Set the logo"),
            do=do,
            form=PictureForm(posted(request), request.FILES or None),
        )

    @act(title=_("Remove the logo"), permission=_CHANGE, icon="hide_image", variant="danger")
    def remove_logo(self, request: HttpRequest, object_id: int) -> HttpResponse:
        program: Program = self.row(request, object_id)

        def do(_data: Any) -> str:
            logos.take_down(program=program, by=acting(request), at=timezone.now())
            return gettext("The name stands there again.")

        return act_page(
            self,
            request,
            program,
            title=gettext("Remove the logo of %s?") % program,
            button=gettext("Remove the logo"),
            do=do,
            danger=True,
        )

    @admin.display(description=_("logo"))
    def logo_look(self, program: Program) -> str:
        if not program.logo_id:
            return "–"
        address = reverse("portal:reward-picture", args=[program.logo_id])
        return format_html('<img class="bo-logo" src="{}" alt="{}">', address, program.name)
