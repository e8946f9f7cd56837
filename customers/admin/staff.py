"""Staff accounts: who they are, what they may do and where. Groups are roles; nobody becomes a superuser here."""

from typing import Any

from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import admin
from django.contrib.auth import password_validation
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminPasswordWidget

from customers.domain import audit
from customers.models import User
from loyalty_site.lib.admin import ModelAdmin, RowForm, act, act_page, acting, posted


class RolesField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Group) -> str:
        return _(obj.name)


def password_field() -> forms.CharField:
    return forms.CharField(
        label=gettext_lazy("password"),
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text=password_validation.password_validators_help_text_html,
    )


class StaffForm(RowForm):
    groups = RolesField(
        label=gettext_lazy("roles"),
        queryset=Group.objects.order_by("pk"),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"])
        if User.objects.filter(email__iexact=email).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_("Somebody signs in with this address already."))
        return email


class NewStaffForm(StaffForm):
    password = password_field()

    def clean_password(self) -> str:
        password_validation.validate_password(self.cleaned_data["password"], self.instance)
        return str(self.cleaned_data["password"])


class PasswordForm(forms.Form):
    password = password_field()

    def __init__(self, data: Any, user: User) -> None:
        super().__init__(data)
        self.user = user

    def clean_password(self) -> str:
        password_validation.validate_password(self.cleaned_data["password"], self.user)
        return str(self.cleaned_data["password"])


@admin.register(User)
class UserAdmin(ModelAdmin):
    list_display = ("email", "full_name", "roles", "where", "last_login", "is_active")
    list_filter = ("is_active", "groups")
    search_fields = ("email", "first_name", "last_name")
    autocomplete_fields = ("stores",)
    ordering = ("email",)
    actions_detail = ("set_password", "forget_authenticator")
    add_fieldsets = ((None, {"fields": ("email", "first_name", "last_name", "phone", "password", "groups", "stores")}),)
    fieldsets = (
        (
            None,
            {"fields": ("email", "first_name", "last_name", "phone", "groups", "stores", "is_active", "last_login")},
        ),
    )
    readonly_fields = ("last_login",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups", "stores")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, form=StaffForm if obj else NewStaffForm, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may change a superuser could become one."""
        above = isinstance(obj, User) and obj.is_superuser and not request.user.is_superuser
        return not above and super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.is_staff = True
            obj.set_password(form.cleaned_data["password"])
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        roles = sorted(form.instance.groups.values_list("name", flat=True))
        stores = sorted(form.instance.stores.values_list("code", flat=True))
        audit.record(
            actor=acting(request),
            action="staff.changed" if change else "staff.added",
            subject=f"user:{form.instance.pk}",
            data={"roles": roles, "stores": stores, "active": form.instance.is_active},
            at=timezone.now(),
        )

    def offers(self, act: str, row: User) -> bool:
        return act != "forget_authenticator" or Authenticator.objects.filter(user=row).exists()

    def row(self, request: HttpRequest, object_id: Any) -> User:
        user: User = super().row(request, object_id)
        if not self.has_change_permission(request, user):
            raise PermissionDenied
        return user

    @act(title=gettext_lazy("Set a new password"), permission="customers.change_user", icon="password")
    def set_password(self, request: HttpRequest, object_id: int) -> HttpResponse:
        user = self.row(request, object_id)

        def do(data: Any) -> str:
            user.set_password(data["password"])
            user.save(update_fields=["password"])
            self._record(request, user, "staff.password_set")
            return _("%s has a new password and is signed out everywhere.") % user

        return act_page(
            self,
            request,
            user,
            title=_("A new password for %s") % user,
            explanation=_("They are signed out everywhere. Tell them the password in person."),
            button=_("Set the password"),
            do=do,
            form=PasswordForm(posted(request), user),
        )

    @act(title=gettext_lazy("Forget the authenticator"), permission="customers.change_user", icon="phonelink_erase")
    def forget_authenticator(self, request: HttpRequest, object_id: int) -> HttpResponse:
        user = self.row(request, object_id)

        def do(_data: Any) -> str:
            Authenticator.objects.filter(user=user).delete()
            self._record(request, user, "staff.authenticator_forgotten")
            return _("%s signs in with the password alone until they set up an authenticator again.") % user

        return act_page(
            self,
            request,
            user,
            title=_("Forget the authenticator of %s?") % user,
            explanation=_("For somebody who lost their phone. Make sure that it is really them who asks."),
            button=_("Forget"),
            do=do,
            danger=True,
        )

    def _record(self, request: HttpRequest, user: User, action: str) -> None:
        audit.record(actor=acting(request), action=action, subject=f"user:{user.pk}", at=timezone.now())

    @admin.display(description=pgettext_lazy("person", "name"))
    def full_name(self, user: User) -> str:
        return user.get_full_name()

    @admin.display(description=gettext_lazy("roles"))
    def roles(self, user: User) -> str:
        everything = [_("everything")] if user.is_superuser else []
        return ", ".join(everything or [_(group.name) for group in user.groups.all()])

    @admin.display(description=gettext_lazy("stores"))
    def where(self, user: User) -> str:
        return ", ".join(store.name for store in user.stores.all()) or _("every store")
