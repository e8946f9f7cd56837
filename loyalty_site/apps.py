from django.apps import AppConfig


class LoyaltySiteConfig(AppConfig):
    name = "loyalty_site"
    label = "site_root"
    verbose_name = "Loyalty Site"
