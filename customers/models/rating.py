"""What customers thought of products they got."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.models.catalog import Product
from customers.models.customer import Customer


class ProductRating(models.Model):
    """The customer's last word on a product, from 1 (never again) to 5 stars."""

    customer = models.ForeignKey(
        Customer, verbose_name=_("customer"), on_delete=models.CASCADE, related_name="ratings", db_index=False
    )
    product = models.ForeignKey(Product, verbose_name=_("product"), on_delete=models.CASCADE, related_name="+")
    stars = models.PositiveSmallIntegerField(_("stars"))
    rated_at = models.DateTimeField(_("rated at"))

    class Meta:
        verbose_name = _("product rating")
        verbose_name_plural = _("product ratings")
        constraints = [
            models.UniqueConstraint(fields=["customer", "product"], name="product_is_rated_once_by_a_customer"),
            models.CheckConstraint(name="product_rating_is_one_to_five_stars", condition=Q(stars__range=(1, 5))),
        ]

    def __str__(self) -> str:
        return f"{self.product}: {self.stars}"
