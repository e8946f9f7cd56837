"""Acts on who a customer is: joining two that are one person, leaving, being forgotten."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy
from unfold.widgets import UnfoldAdminTextInputWidget

from customers.domain import customers
from customers.models import Customer
from loyalty_site import merge_preview, merges, personal_data, portal, privacy
from loyalty_site.lib.admin import ModelAdmin, act, act_page, acting, posted, row_url

CANDIDATES = 10

if TYPE_CHECKING:
    Base = ModelAdmin
else:
    Base = object


class MergeForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("reason"),
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("For example: lost the first card. Kept with the merge."),
    )


class MembershipActs(Base):
    @act(title=gettext_lazy("Merge into…"), permission="customers.add_customermerge", icon="merge")
    def merge_into(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """First whom into, then what will happen."""
        source: Customer = self.row(request, object_id)
        chosen = request.GET.get("into", "")
        if not chosen.isdecimal() or int(chosen) == source.pk:
            return self._choose(request, source)
        target = get_object_or_404(self.get_queryset(request), pk=int(chosen))

        def do(data: Any) -> str:
            merges.merge(source=source, target=target, reason=data["reason"], by=acting(request), at=timezone.now())
            return _("%(source)s is now part of %(target)s.") % {
                "source": source.display_number,
                "target": target.display_number,
            }

        return act_page(
            self,
            request,
            target,
            title=_("Merge %(source)s into %(target)s") % {"source": source, "target": target},
            button=_("Merge"),
            do=do,
            form=MergeForm(posted(request)),
            danger=True,
            template="admin/customers/customer/merge.html",
            context={
                "original": source,
                "back": row_url(self, source),
                "source": source,
                "target": target,
                "rows": merge_preview.rows(source=source, target=target, at=timezone.now()),
            },
        )

    def _choose(self, request: HttpRequest, source: Customer) -> HttpResponse:
        text = request.GET.get("q", "").strip()
        context = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "original": source,
            "title": _("Merge %s into whom?") % source,
            "text": text,
            "found": self._candidates(request, source, text),
            "back": row_url(self, source),
        }
        return TemplateResponse(request, "admin/customers/customer/merge_choose.html", context)

    def _candidates(self, request: HttpRequest, source: Customer, text: str) -> Sequence[Customer]:
        """Members only; a card of one who was merged finds who they are now."""
        if not text:
            return []
        exact = [person.pk for person in customers.find(text=text)]
        named = customers.search(text=text, limit=CANDIDATES).values_list("pk", flat=True)
        people = self.get_queryset(request).filter(pk__in={*exact, *named}, closed_at__isnull=True)
        return list(people.exclude(pk=source.pk).order_by("name", "pk"))

    @act(title=pgettext_lazy("customer", "Close"), permission="customers.change_customer", icon="logout")
    def close(self, request: HttpRequest, object_id: int) -> HttpResponse:
        customer: Customer = self.row(request, object_id)

        def do(_data: Any) -> str:
            privacy.close(customer=customer, by=acting(request), at=timezone.now())
            return _("%s has left the programme.") % customer

        return act_page(
            self,
            request,
            customer,
            title=_("%s leaves the programme?") % customer,
            explanation=_(
                "No more signing in, mails or purchases on this card, for good. Points stay in the books until they "
                "lapse; goods can still be brought back, and rewards that wait can be fetched."
            ),
            button=pgettext("customer", "Close"),
            do=do,
            danger=True,
        )

    @act(title=gettext_lazy("Hand out data"), permission="customers.delete_customer", icon="download")
    def hand_out(self, request: HttpRequest, object_id: int) -> HttpResponse:
        customer: Customer = self.row(request, object_id)
        if request.method == "POST":
            packed = personal_data.archive(customer=customer, by=acting(request), at=timezone.now())
            return portal.handed_out(packed, customer)
        return act_page(
            self,
            request,
            customer,
            title=_("Hand out all that is known of %s?") % customer,
            explanation=_(
                "A file for this person, who may ask for it: their details, purchases, points, coupons, mails, answers "
                "and cases, with what staff wrote about them. Give it to nobody else. The log says who took it."
            ),
            button=_("Get the file"),
            do=lambda _data: "",
        )

    @act(title=gettext_lazy("Erase"), permission="customers.delete_customer", icon="person_off")
    def erase(self, request: HttpRequest, object_id: int) -> HttpResponse:
        customer: Customer = self.row(request, object_id)

        def do(_data: Any) -> str:
            privacy.erase(customer=customer, by=acting(request), at=timezone.now())
            return _("The person is forgotten; the numbers stay.")

        return act_page(
            self,
            request,
            customer,
            title=_("Forget who %s is?") % customer,
            explanation=_(
                "Name, e-mail, phone, birthday, cards, preferences and written answers are deleted, also of customers "
                "merged into this one. Purchases and points stay, as numbers of nobody. This cannot be undone."
            ),
            button=_("Erase"),
            do=do,
            danger=True,
        )
