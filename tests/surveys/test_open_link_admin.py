import pytest
from django.contrib.auth.models import Group
from django.urls import reverse

from loyalty_site import roles
from surveys.admin import open_link
from surveys.models import OpenLink
from tests.factories.customers import StoreFactory, UserFactory
from tests.factories.surveys import OpenLinkFactory, SurveyFactory

pytestmark = pytest.mark.django_db


def url(page, *args):
    return reverse(f"admin:surveys_openlink_{page}", args=args)


def test_staff_open_a_link_and_get_its_code(staff, survey):
    store = StoreFactory(name="Harbor Street")
    staff.post(url("add"), {"survey": survey.pk, "source": "Poster, Harbor", "store": store.pk})
    link = OpenLink.objects.get()
    assert link.store == store
    page = staff.get(url("change", link.pk)).text
    assert open_link.address_of(link) in page
    assert url("sheet", link.pk) in page
    assert "Harbor Street" in page


def test_source_that_is_taken_is_named_at_its_field(staff, survey):
    OpenLinkFactory(survey=survey, source="Poster")
    page = staff.post(url("add"), {"survey": survey.pk, "source": "Poster"})
    assert page.status_code == 200
    assert page.context["adminform"].form.errors


def test_survey_that_is_not_published_is_refused(staff):
    draft = SurveyFactory(published_at=None)
    page = staff.post(url("add"), {"survey": draft.pk, "source": "Poster"}, follow=True)
    assert "The survey is not open" in page.text
    assert not OpenLink.objects.exists()


@pytest.mark.parametrize(("kind", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG")])
def test_code_comes_as_a_picture(staff, kind, start):
    answer = staff.get(url("qr", OpenLinkFactory().pk, kind))
    assert answer.content.startswith(start)
    assert answer.headers["Content-Type"].startswith("image/")


def test_sheet_speaks_every_language(staff, survey):
    link = OpenLinkFactory(survey=survey)
    page = staff.get(url("sheet", link.pk)).text
    assert all(text in page for text in ("How was it?", "您满意吗？", open_link.address_of(link), "<svg"))


def test_link_is_closed_by_an_act(staff):
    link = OpenLinkFactory()
    staff.post(url("close", link.pk))
    link.refresh_from_db()
    assert link.closed_at is not None


def test_sheet_is_only_for_who_may_see_links(client):
    user = UserFactory(password=None)
    roles.sync()
    user.groups.add(Group.objects.get(name=roles.CASHIER))
    client.force_login(user)
    link = OpenLinkFactory()
    for page in (url("sheet", link.pk), url("qr", link.pk, "png")):
        assert client.get(page).status_code == 403
