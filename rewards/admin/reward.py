"""The catalogue and its pictures."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminFileFieldWidget

from loyalty_site.lib.admin import (
    ModelAdmin,
    RowForm,
    act,
    act_page,
    acting,
    posted,
)
from rewards.domain import pictures
from rewards.models import Reward, RewardPicture


class RewardForm(RowForm):
    period = ("offered_from", "offered_to")


class PictureForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("picture"),
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": "image/jpeg,image/png,image/webp,image/gif"}),
        help_text=gettext_lazy("JPEG, PNG, WebP or GIF. It is made smaller, and where and when it was taken left out."),
    )

    def clean_file(self) -> bytes:
        file = self.cleaned_data["file"]
        if file.size > pictures.BYTES_MAX:
            raise forms.ValidationError(str(pictures.PictureTooLarge()))
        return bytes(file.read())


@admin.register(Reward)
class RewardAdmin(ModelAdmin):
    form = RewardForm
    list_display = ("title", "kind", "cost_points", "stock", "most", "offered_from", "offered_to")
    list_filter = ("kind",)
    search_fields = ("name",)
    ordering = ("cost_points", "pk")
    sortable_by = ("cost_points", "stock", "offered_from", "offered_to")
    actions_detail = ("set_picture", "remove_picture")
    readonly_fields = ("look",)
    fieldsets = (
        (None, {"fields": ("name", "description", "kind")}),
        (gettext_lazy("Cost and stock"), {"fields": ("cost_points", "stock")}),
        (gettext_lazy("For each customer"), {"fields": ("per_customer_max", "per_customer_period")}),
        (gettext_lazy("When"), {"fields": ("offered_from", "offered_to")}),
        (gettext_lazy("Picture"), {"fields": ("look", "picture_alt")}),
    )

    def is_disposable(self, row: Reward) -> bool:
        return not row.redemptions.exists()

    def offers(self, act: str, row: Reward) -> bool:
        return act != "remove_picture" or row.picture_id is not None

    @act(title=gettext_lazy("Set the picture"), permission="rewards.change_reward", icon="add_photo_alternate")
    def set_picture(self, request: HttpRequest, object_id: int) -> HttpResponse:
        reward: Reward = self.row(request, object_id)

        def do(data: Any) -> str:
            pictures.hang(reward=reward, upload=data["file"], by=acting(request), at=timezone.now())
            return _("%s has its picture.") % reward

        return act_page(
            self,
            request,
            reward,
            title=_("A picture for %s") % reward,
            button=_("Set the picture"),
            do=do,
            form=PictureForm(posted(request), request.FILES or None),
        )

    @act(
        title=gettext_lazy("Remove the picture"),
        permission="rewards.change_reward",
        icon="hide_image",
        variant="danger",
    )
    def remove_picture(self, request: HttpRequest, object_id: int) -> HttpResponse:
        reward: Reward = self.row(request, object_id)

        def do(_data: Any) -> str:
            pictures.take_down(reward=reward, by=acting(request), at=timezone.now())
            return _("%s has no picture now.") % reward

        return act_page(
            self,
            request,
            reward,
            title=_("Remove the picture of %s?") % reward,
            button=_("Remove the picture"),
            do=do,
            danger=True,
        )

    @admin.display(description=gettext_lazy("name"))
    def title(self, reward: Reward) -> str:
        return str(reward) or f"#{reward.pk}"

    @admin.display(description=gettext_lazy("at most for each customer"))
    def most(self, reward: Reward) -> str:
        return (
            f"{reward.per_customer_max} {reward.get_per_customer_period_display()}" if reward.per_customer_max else ""
        )

    @admin.display(description=gettext_lazy("picture"))
    def look(self, reward: Reward) -> str:
        return picture_tag(reward.picture_id) or "–"


@admin.register(RewardPicture)
class RewardPictureAdmin(ModelAdmin):
    """All that were ever shown: pages and mails may still name them. One that nothing shows can be deleted."""

    list_display = ("stored_at", "look", "extent", "shown_by")
    search_fields = ("rewards__name",)
    ordering = ("-stored_at", "pk")
    sortable_by = ()
    fields = ("look", "stored_at", "extent", "shown_by")

    def get_queryset(self, request: HttpRequest) -> QuerySet[RewardPicture]:
        return super().get_queryset(request).defer("content").prefetch_related("rewards", "programs")

    def is_disposable(self, row: RewardPicture) -> bool:
        return not row.rewards.exists() and not row.programs.exists()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=gettext_lazy("picture"))
    def look(self, picture: RewardPicture) -> str:
        return picture_tag(picture.pk)

    @admin.display(description=gettext_lazy("width × height"))
    def extent(self, picture: RewardPicture) -> str:
        return f"{picture.width} × {picture.height}"

    @admin.display(description=gettext_lazy("shown by"))
    def shown_by(self, picture: RewardPicture) -> str:
        return ", ".join(str(shows) for shows in (*picture.programs.all(), *picture.rewards.all()))


def picture_tag(sha256: str | None) -> str:
    if not sha256:
        return ""
    return format_html('<img class="bo-picture" src="{}" alt="">', reverse("portal:reward-picture", args=[sha256]))
