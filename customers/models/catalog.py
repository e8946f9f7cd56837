"""What stores sell."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Category(models.Model):
    """A group of products, by the word that tills and files use."""

    code = models.CharField(_("code"), max_length=100, unique=True)
    name = models.CharField(_("name"), max_length=200)
    parent = models.ForeignKey(
        "self", verbose_name=_("parent"), null=True, blank=True, on_delete=models.SET_NULL, related_name="children"
    )

    class Meta:
        verbose_name = _("category")
        verbose_name_plural = _("categories")
        constraints = [models.CheckConstraint(name="category_code_is_not_empty", condition=~Q(code=""))]

    def __str__(self) -> str:
        return self.name


class Product(models.Model):
    """One sku. It is made with its first sale when nobody made it before."""

    sku = models.CharField(_("sku"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=200)
    category = models.ForeignKey(
        Category, verbose_name=_("category"), null=True, blank=True, on_delete=models.SET_NULL, related_name="products"
    )
    discontinued_at = models.DateTimeField(
        _("discontinued at"), null=True, blank=True, help_text=_("Never recommended from then on.")
    )

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")
        constraints = [models.CheckConstraint(name="product_sku_is_not_empty", condition=~Q(sku=""))]

    def __str__(self) -> str:
        return self.name
