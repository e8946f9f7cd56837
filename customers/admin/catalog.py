from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from customers.models import Category, Product
from loyalty_site.lib.admin import ModelAdmin


@admin.register(Category)
class CategoryAdmin(ModelAdmin):
    list_display = ("name", "code", "parent")
    list_select_related = ("parent",)
    search_fields = ("name", "code")
    autocomplete_fields = ("parent",)
    ordering = ("name",)


@admin.register(Product)
class ProductAdmin(ModelAdmin):
    list_display = ("name", "sku", "category", "discontinued_at")
    list_select_related = ("category",)
    search_fields = ("=sku", "name__istartswith")
    search_help_text = _("Number, or the beginning of the name")
    autocomplete_fields = ("category",)
    ordering = ("sku",)
    sortable_by = ("sku",)
