"""Staff accounts. Customers are not staff: they sign in by a one-time code and never have a User."""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _
from phonenumber_field.modelfields import PhoneNumberField

from customers.models.store import Store


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractUser):
    """A member of staff: signs in by e-mail and password; groups say what they may do, `stores` where."""

    username = None  # type: ignore[assignment]
    email = models.EmailField(_("e-mail"))
    phone = PhoneNumberField(
        _("phone"), blank=True, help_text=_("Their own: so that serving themselves as a customer is noticed.")
    )
    stores = models.ManyToManyField(
        Store, verbose_name=_("stores"), blank=True, related_name="staff", help_text=_("Empty means every store.")
    )

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("staff member")
        verbose_name_plural = _("staff")
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_is_unique")]
