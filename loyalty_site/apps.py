from django.apps import AppConfig


class LoyaltySiteConfig(AppConfig):
    name = "loyalty_site"
    label = "site_root"
    verbose_name = "Loyalty Site"

    def ready(self) -> None:
        """Django finds checks only in what was imported."""
        import loyalty_site.checks  # noqa: F401, PLC0415
