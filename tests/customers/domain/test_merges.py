"""The customers' part; points and coupons: tests/rewards/domain/test_merges.py."""

from datetime import date, timedelta

import pytest

from customers.domain import closing, consents, customers, enrollment, merges, preferences, ratings, sign_in
from customers.models import (
    AuditEvent,
    Card,
    Consent,
    Customer,
    Preference,
    ProductRating,
    Purchase,
    Purpose,
    SegmentMember,
)
from loyalty_site.lib import actors
from tests.factories.customers import (
    AT,
    CardFactory,
    CategoryFactory,
    ConsentFactory,
    CustomerFactory,
    ProductFactory,
    PurchaseFactory,
    SegmentMemberFactory,
)

pytestmark = pytest.mark.django_db
SURVEYS = Purpose.SURVEY_EMAIL
DAY = timedelta(days=1)
STAFF = actors.user(7)


@pytest.fixture
def old():
    return CustomerFactory(name="Mei", email="old@example.org", phone="+8613812345678", number="C7K294QX")


@pytest.fixture
def kept():
    return CustomerFactory(name="Mei Lin", email="mei@example.org", number="HTG2MWWK")


def begin(source, target, at, reason="lost card"):
    merge = merges.begin(source=source, target=target, reason=reason, by=STAFF, at=at)
    merge.save(update_fields=["moved"])
    source.refresh_from_db()
    target.refresh_from_db()
    return merge


def undo(merge, at):
    return merges.begin_undo(merge=merge, by=STAFF, at=at)


def phones(*customers):
    return [str(Customer.objects.get(pk=customer.pk).phone) for customer in customers]


@pytest.mark.parametrize("text", ["C7K2-94QX", "old@example.org", "+8613812345678", "card-1", "HTG2MWWK", "card-2"])
def test_whoever_names_either_finds_the_target_once(old, kept, now, text):
    CardFactory(customer=old, number="card-1")
    CardFactory(customer=kept, number="card-2")
    begin(old, kept, now)
    assert customers.find(text=text) == [kept]


def test_a_text_that_names_both_finds_one(old, kept, now):
    CardFactory(customer=kept, number="C7K294QX")
    begin(old, kept, now)
    assert customers.find(text="C7K294QX") == [kept]


def test_a_chain_leads_to_its_end(old, kept, now):
    last = CustomerFactory()
    begin(old, kept, now)
    begin(kept, last, now)
    assert customers.find(text="C7K294QX") == [last]
    assert customers.present(customer=Customer.objects.get(pk=old.pk)) == last
    assert customers.family(customer=last) == sorted([old.pk, kept.pk, last.pk])


def test_the_source_is_closed_and_says_where_it_went(old, kept, now):
    merge = begin(old, kept, now)
    assert (old.merged_into, old.closed_at, kept.closed_at) == (kept, now, None)
    assert (merge.merged_at, merge.merged_by, merge.reason) == (now, "user:7", "lost card")
    events = AuditEvent.objects.order_by("pk").values_list("action", "subject", "reason", "data")
    assert list(events) == [
        ("customer.merged", f"customer:{old.pk}", "", {"merge": merge.pk, "target": kept.pk}),
        ("customer.joined", f"customer:{kept.pk}", "", {"merge": merge.pk, "source": old.pk}),
    ]


def test_contacts_of_the_target_win_and_empty_ones_are_filled(old, kept, now):
    Customer.objects.filter(pk=old.pk).update(birthday=date(1990, 2, 28))
    merge = begin(old, kept, now)
    assert (kept.name, kept.email, kept.phone, kept.birthday) == (
        "Mei Lin",
        "mei@example.org",
        "+8613812345678",
        date(1990, 2, 28),
    )
    assert (old.name, old.email, old.phone) == ("Mei", "old@example.org", "")
    assert merge.contacts == {"phone": "+8613812345678", "birthday": "1990-02-28"}


def test_what_belongs_to_the_source_moves_and_is_noted(old, kept, now):
    bought, other = PurchaseFactory(customer=old), PurchaseFactory(customer=CustomerFactory())
    card = CardFactory(customer=old)
    both, only_old = CategoryFactory(), CategoryFactory()
    preferences.state(customer=old, categories=[both, only_old], at=now)
    preferences.state(customer=kept, categories=[both], at=now)
    shared, of_old = SegmentMemberFactory(customer=kept).segment, SegmentMemberFactory(customer=old)
    SegmentMemberFactory(customer=old, segment=shared)
    loved, loathed = ProductFactory.create_batch(2)
    ratings.rate(customer=old, product=loved, stars=5, at=now)
    ratings.rate(customer=old, product=loathed, stars=1, at=now)
    ratings.rate(customer=kept, product=loathed, stars=4, at=now)
    merge = begin(old, kept, now)
    bought.refresh_from_db()
    other.refresh_from_db()
    moved = Preference.objects.get(customer=kept, category=only_old)
    assert bought.customer == kept
    assert other.customer not in (old, kept)
    assert set(Preference.objects.filter(customer=kept).values_list("category", flat=True)) == {both.pk, only_old.pk}
    assert set(SegmentMember.objects.filter(customer=kept).values_list("segment", flat=True)) == {
        shared.pk,
        of_old.segment_id,
    }
    assert dict(ProductRating.objects.filter(customer=kept).values_list("product", "stars")) == {
        loved.pk: 5,
        loathed.pk: 4,
    }
    assert merge.moved == {
        "customers.Purchase": [bought.pk],
        "customers.Card": [card.pk],
        "customers.Preference": [moved.pk],
        "customers.ProductRating": [ProductRating.objects.get(customer=kept, product=loved).pk],
        "customers.SegmentMember": [of_old.pk],
        "customers.Consent": [],
        "withdrawn consents": [],
    }


def test_the_last_rating_counts_whichever_row_it_was_said_under(old, kept, now):
    first, second = ProductFactory.create_batch(2)
    for customer, product, stars, days in (
        (kept, first, 5, 1),
        (old, first, 1, 2),
        (old, second, 1, 1),
        (kept, second, 4, 2),
    ):
        ratings.rate(customer=customer, product=product, stars=stars, at=now + days * DAY)

    def said(customer):
        return dict(ProductRating.objects.filter(customer=customer).values_list("product", "stars"))

    merge = begin(old, kept, now + 3 * DAY)
    assert said(kept) == {first.pk: 1, second.pk: 4}
    undo(merge, now + 4 * DAY)
    assert said(kept) == {first.pk: 5, second.pk: 4}
    assert said(old) == {first.pk: 1, second.pk: 1}


def test_what_the_target_rated_after_a_merge_stays_when_it_is_undone(old, kept, now):
    milk = ProductFactory()
    ratings.rate(customer=kept, product=milk, stars=5, at=now)
    ratings.rate(customer=old, product=milk, stars=1, at=now + DAY)
    merge = begin(old, kept, now + 2 * DAY)
    ratings.rate(customer=kept, product=milk, stars=3, at=now + 3 * DAY)
    undo(merge, now + 4 * DAY)
    assert ProductRating.objects.get().customer == kept
    assert ProductRating.objects.get().stars == 3


def test_purchases_refuse_changes_again_after_a_merge(old, kept, now):
    bought = PurchaseFactory(customer=old)
    begin(old, kept, now)
    with pytest.raises(Exception, match="append_only"):
        Purchase.objects.filter(pk=bought.pk).update(customer=old)


# When each row granted and withdrew (days, None: not), and whether the person allows it afterwards.
@pytest.mark.parametrize(
    ("source", "target", "allowed"),
    [
        ((1, None), (None, None), True),
        ((None, None), (1, None), True),
        ((1, None), (2, None), True),
        ((1, None), (0, 2), False),
        ((3, None), (0, 2), True),
        ((0, 2), (1, None), False),
        ((0, 2), (3, None), True),
        ((0, 2), (0, 3), False),
    ],
)
def test_the_last_word_on_a_purpose_counts(old, kept, now, source, target, allowed):
    for customer, (granted, withdrawn) in ((old, source), (kept, target)):
        if granted is not None:
            ended = {} if withdrawn is None else {"withdrawn_at": AT + withdrawn * DAY, "withdrawn_by": "system"}
            ConsentFactory(customer=customer, granted_at=AT + granted * DAY, **ended)
    before = sorted(Consent.objects.values_list("pk", "customer", "withdrawn_at", "withdrawn_by"))
    merge = begin(old, kept, now)
    assert consents.allows(customer=kept, purpose=SURVEYS) is allowed
    undo(merge, now)
    assert sorted(Consent.objects.values_list("pk", "customer", "withdrawn_at", "withdrawn_by")) == before


def test_a_word_of_somebody_merged_earlier_counts_too(old, kept, now):
    last = CustomerFactory()
    ConsentFactory(customer=old, granted_at=AT, withdrawn_at=AT + 5 * DAY, withdrawn_by="system")
    begin(old, kept, now)
    ConsentFactory(customer=last, granted_at=AT + 3 * DAY)
    begin(kept, last, now)
    assert not consents.allows(customer=last, purpose=SURVEYS)


def test_unsubscribing_by_an_old_mail_counts_for_who_they_are_now(old, kept, now):
    ConsentFactory(customer=old)
    begin(old, kept, now)
    consents.withdraw(customer=Customer.objects.get(pk=old.pk), purpose=SURVEYS, by=actors.SYSTEM, at=now)
    assert not consents.allows(customer=kept, purpose=SURVEYS)


def test_the_source_does_nothing_any_more(old, kept, now):
    stale = Customer.objects.get(pk=old.pk)
    sign_in.request(email="old@example.org", browser_token="b", at=now)
    begin(old, kept, now)
    with pytest.raises(customers.CustomerMerged):
        consents.grant(customer=stale, purpose=SURVEYS, by=STAFF, at=now)
    with pytest.raises(customers.CustomerMerged):
        preferences.state(customer=stale, categories=[], at=now)
    assert sign_in.customer_of({sign_in.SESSION_KEY: old.pk}) is None
    assert sign_in.request(email="old@example.org", browser_token="c", at=now).customer is None


def test_joining_again_with_the_old_address_names_the_target(old, kept, now):
    begin(old, kept, now)
    with pytest.raises(enrollment.CustomerExists) as refusal:
        enrollment.enroll(name="Mei", email="old@example.org", by=STAFF, at=now)
    assert refusal.value.details == {"number": kept.display_number}


def test_refusals(old, kept, now):
    with pytest.raises(merges.MergeWithSelf):
        begin(old, old, now)
    begin(old, kept, now)
    with pytest.raises(customers.CustomerMerged):
        begin(old, CustomerFactory(), now)
    with pytest.raises(customers.CustomerMerged):
        begin(CustomerFactory(), old, now)
    closing.close(customer=kept, by=STAFF, at=now)
    with pytest.raises(customers.CustomerClosed):
        begin(CustomerFactory(), kept, now)


def test_undo_gives_everything_back(old, kept, now):
    PurchaseFactory(customer=old)
    card = CardFactory(customer=old)
    preferences.state(customer=old, categories=[CategoryFactory()], at=now)
    SegmentMemberFactory(customer=old)
    before = [
        list(model.objects.order_by("pk").values()) for model in (Customer, Purchase, Card, Preference, SegmentMember)
    ]
    merge = begin(old, kept, now)
    since = PurchaseFactory(customer=kept)
    assert undo(merge, now + DAY).undone_at == now + DAY
    after = [
        list(model.objects.exclude(pk=since.pk if model is Purchase else 0).order_by("pk").values())
        for model in (Customer, Purchase, Card, Preference, SegmentMember)
    ]
    assert after == before
    assert Purchase.objects.get(pk=since.pk).customer == kept
    assert customers.find(text="old@example.org") == [old]
    assert customers.find(text=card.number) == [old]


def test_undo_leaves_what_the_target_changed_meanwhile(old, kept, now):
    merge = begin(old, kept, now)
    Customer.objects.filter(pk=kept.pk).update(phone="+8613999999999")
    undo(merge, now)
    assert phones(kept, old) == ["+8613999999999", "+8613812345678"]


def test_undo_leaves_an_address_that_somebody_took(old, kept, now):
    merge = begin(old, kept, now)
    Customer.objects.filter(pk=kept.pk).update(phone="")
    CustomerFactory(phone="+8613812345678")
    undo(merge, now)
    assert phones(kept, old) == ["", ""]


def test_undo_again_changes_nothing(old, kept, now):
    merge = begin(old, kept, now)
    undo(merge, now)
    assert undo(merge, now + DAY) is None
    merge.refresh_from_db()
    assert merge.undone_at == now


def test_undo_is_for_the_latest_within_a_month(old, kept, now):
    third = CustomerFactory()
    first, second = begin(old, kept, now), begin(third, kept, now)
    with pytest.raises(merges.MergeNotLatest):
        undo(first, now)
    with pytest.raises(merges.MergeTooOld):
        undo(second, now + 31 * DAY)
    undo(second, now + 30 * DAY)
    undo(first, now + 30 * DAY)
    assert Customer.objects.filter(merged_into__isnull=False).count() == 0


def test_undo_waits_for_the_merge_that_took_the_target_away(old, kept, now):
    first = begin(old, kept, now)
    second = begin(kept, CustomerFactory(), now)
    with pytest.raises(customers.CustomerMerged):
        undo(first, now)
    undo(second, now)
    undo(first, now)
    assert customers.find(text="C7K294QX") == [old]


def test_merged_undone_and_merged_again(old, kept, now):
    undo(begin(old, kept, now), now)
    begin(kept, old, now)
    assert customers.find(text="HTG2MWWK") == [old]
