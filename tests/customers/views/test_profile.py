from datetime import date

import pytest

from customers.domain import consents, preferences
from customers.models import Consent, Customer, Purpose
from tests.factories.customers import CategoryFactory, CustomerFactory, StoreFactory
from tests.sessions import signed_in

PAGE = "/me/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def mia():
    return CustomerFactory(name="Mia", email="mia@example.org", number="C7K294QX")


@pytest.fixture
def client(mia):
    return signed_in(mia)


def details(**values):
    return {"part": "details", "name": "Mia", "phone": "", "birthday": "", "home_store": "", "language": "en"} | values


def test_page_shows_who_it_is_and_the_card(client):
    text = client.get(PAGE).content.decode()
    assert "mia@example.org" in text
    assert "C7K2-94QX" in text
    assert "<svg" in text


def test_page_is_kept_by_no_browser_and_for_nobody_else(client):
    assert "no-store" in client.get(PAGE).headers["Cache-Control"]


def test_page_sends_strangers_to_sign_in(client):
    client.cookies.clear()
    assert client.get(PAGE).url == "/sign-in/?next=%2Fme%2F"
    assert client.post(PAGE, details()).url == "/sign-in/"


def test_page_is_closed_to_somebody_who_left(client, mia, now):
    Customer.objects.update(closed_at=now)
    assert client.get(PAGE).status_code == 302


def test_details_are_saved(client):
    store = StoreFactory()
    posted = details(name="Mia Wang", phone="+86 138 1234 5678", birthday="1990-02-28", home_store=store.pk)
    assert client.post(PAGE, posted).url == PAGE
    mia = Customer.objects.get()
    assert (mia.name, str(mia.phone), mia.birthday) == ("Mia Wang", "+8613812345678", date(1990, 2, 28))
    assert mia.home_store == store


def test_language_changes_the_pages_at_once(client):
    response = client.post(PAGE, details(language="zh-hans"), follow=True)
    assert 'lang="zh-hans"' in response.content.decode()
    assert Customer.objects.get().language == "zh-hans"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 201),
        ("name", "nul\0"),
        ("phone", "12"),
        ("birthday", "1990-02-30"),
        ("birthday", "2999-01-01"),
        ("birthday", "1066-01-01"),
        ("language", "fr"),
        ("home_store", "0"),
        ("home_store", "nowhere"),
    ],
)
def test_wrong_details_are_explained_beside_their_field(client, field, value):
    response = client.post(PAGE, details(**{field: value}))
    assert response.status_code == 200
    assert list(response.context["details"].errors) == [field]
    assert f'id="error_1_id_{field}"' in response.content.decode()
    assert Customer.objects.get().name == "Mia"


def test_phone_of_somebody_else_is_refused_beside_the_field(client):
    CustomerFactory(phone="+8613812345678")
    response = client.post(PAGE, details(phone="+8613812345678"))
    assert "This number cannot be used." in str(response.context["details"].errors["phone"])


def test_birthday_cannot_be_changed_once_it_is_there(client, mia):
    Customer.objects.update(birthday=date(1990, 2, 28))
    client.post(PAGE, details(birthday="2000-01-01"))
    assert Customer.objects.get().birthday == date(1990, 2, 28)


def test_consents_are_given_and_withdrawn(client, mia):
    client.post(PAGE, {"part": "consents", "survey_email": "on"})
    assert [consents.allows(customer=mia, purpose=purpose) for purpose in Purpose] == [True, False]
    client.post(PAGE, {"part": "consents", "marketing_email": "on"})
    assert [consents.allows(customer=mia, purpose=purpose) for purpose in Purpose] == [False, True]
    assert set(Consent.objects.values_list("granted_by", flat=True)) == {f"customer:{mia.pk}"}


def test_recommendations_are_switched_off_and_on(client, mia):
    client.post(PAGE, {"part": "recommendations"})
    mia.refresh_from_db()
    assert mia.profiling_refused_at is not None
    client.post(PAGE, {"part": "consents"})  # the other forms leave it as it is
    assert Customer.objects.get().profiling_refused_at == mia.profiling_refused_at
    client.post(PAGE, {"part": "recommendations", "recommendations": "on"})
    assert Customer.objects.get().profiling_refused_at is None


def test_preferences_are_stated_and_taken_back(client, mia):
    tea, fruit = CategoryFactory(name="Tea"), CategoryFactory(name="Fruit")
    client.post(PAGE, {"part": "preferences", "categories": [tea.pk, fruit.pk]})
    assert set(mia.preferences.values_list("category", flat=True)) == {tea.pk, fruit.pk}
    client.post(PAGE, {"part": "preferences", "categories": [tea.pk]})
    assert mia.preferences.get().category == tea
    client.post(PAGE, {"part": "preferences"})
    assert not mia.preferences.exists()


def test_unknown_category_is_refused(client, mia):
    response = client.post(PAGE, {"part": "preferences", "categories": ["0"]})
    assert response.context["liked"].errors["categories"]


def test_unknown_part_changes_nothing(client):
    assert client.post(PAGE, details(part="other", name="Other")).status_code == 200
    assert Customer.objects.get().name == "Mia"


@pytest.mark.parametrize("number", [1, 3])
def test_page_takes_the_same_queries_for_any_number(client, mia, now, django_assert_num_queries, number):
    categories = CategoryFactory.create_batch(number)
    preferences.state(customer=mia, categories=categories, at=now)
    StoreFactory.create_batch(number)
    client.get(PAGE)
    with django_assert_num_queries(6):
        text = client.get(PAGE).content.decode()
    assert text.count(" checked") == number + 1  # recommendations are on
