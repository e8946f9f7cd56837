"""A case's way from its opening to its end, and two who work on it at once."""

from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, ProgrammingError, transaction

from loyalty_site import merges, privacy, roles
from loyalty_site.lib import actors
from surveys.domain import cases
from surveys.models import Case, CaseChannel, CaseEvent, CaseEventKind, CaseOutcome, CaseState
from tests.factories.customers import AT, CustomerFactory, StoreFactory, UserFactory
from tests.factories.surveys import CaseFactory
from tests.races import at_once, behind

pytestmark = pytest.mark.django_db
STAFF = actors.user(7)
HOURS = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _roles():
    roles.sync()


@pytest.fixture
def store():
    return StoreFactory()


def manager_of(*stores, role=roles.STORE_MANAGER, **fields):
    user = UserFactory(password=None, **fields)
    user.groups.add(Group.objects.get(name=role))
    user.stores.set(stores)
    return user


def begin(store, now, words="The bread was stale.\nTwice!", **more):
    return cases.begin(channel=CaseChannel.HOTLINE, words=words, store=store, by=STAFF, at=now, **more)


def story(case):
    return list(case.events.order_by("pk").values_list("kind", "actor", "text"))


def test_case_begins_with_its_words_and_is_due_in_two_days(store, now):
    mei = CustomerFactory()
    case = begin(store, now, customer=mei)
    assert (case.customer, case.store, case.state, case.owner) == (mei, store, CaseState.NEW, None)
    assert (case.subject, case.due_at - now, case.opened_by) == ("The bread was stale.", 48 * HOURS, "user:7")
    assert story(case) == [(CaseEventKind.OPENED, "user:7", "The bread was stale.\nTwice!")]


def test_the_only_manager_of_a_store_owns_its_cases(store, now):
    lena = manager_of(store)
    manager_of(StoreFactory())  # elsewhere
    manager_of()  # everywhere: not this store's
    manager_of(store, role=roles.CASHIER)
    manager_of(store, is_active=False)
    case = begin(store, now)
    assert (case.owner, case.state) == (lena, CaseState.ASSIGNED)
    assert case.events.get(kind=CaseEventKind.ASSIGNMENT).data == {"owner": lena.pk, "store": store.pk}


def test_of_two_managers_none_owns_it_by_itself(store, now):
    manager_of(store), manager_of(store)
    assert begin(store, now).owner is None


def test_case_without_a_store_has_no_owner(now):
    manager_of()
    assert begin(None, now).owner is None


@pytest.mark.parametrize("words", ["", "  \n", "\0"])
def test_case_needs_words(store, now, words):
    with pytest.raises(cases.CaseWordsMissing):
        begin(store, now, words=words)
    assert not Case.objects.exists()


def test_case_is_not_due_before_it_begins(store, now):
    with pytest.raises(cases.CaseDueInPast):
        begin(store, now, due_at=now - HOURS)


def test_case_of_who_was_merged_is_theirs_now(store, now):
    old, mei = CustomerFactory(), CustomerFactory()
    merges.merge(source=old, target=mei, reason="", by=STAFF, at=now)
    old.refresh_from_db()
    assert begin(store, now, customer=old).customer == mei


def test_whole_way_is_told(store, now):
    lena = manager_of(store)
    by = actors.user(lena.pk)
    case = begin(store, now)
    cases.step(case=case, to=CaseState.CONTACTED, text="Called her.", by=by, at=now)
    cases.note(case=case, text="She wants bread.", by=by, at=now)
    cases.step(case=case, to=CaseState.RESOLVED, text="", by=by, at=now)
    cases.close(case=case, outcome=CaseOutcome.SOLVED, text="", by=by, at=now + HOURS)
    assert (case.state, case.outcome, case.closed_at) == (CaseState.CLOSED, CaseOutcome.SOLVED, now + HOURS)
    assert [event.data for event in case.events.filter(kind=CaseEventKind.STATE).order_by("pk")] == [
        {"from": "ASSIGNED", "to": "CONTACTED"},
        {"from": "CONTACTED", "to": "RESOLVED"},
        {"from": "RESOLVED", "to": "CLOSED", "outcome": "SOLVED"},
    ]


def test_who_works_on_a_case_of_nobody_owns_it(store, now):
    tom = UserFactory(password=None)
    case = begin(store, now)
    cases.step(case=case, to=CaseState.CONTACTED, text="", by=actors.user(tom.pk), at=now)
    assert case.owner == tom


@pytest.mark.parametrize(
    ("state", "to"),
    [("CONTACTED", "CONTACTED"), ("RESOLVED", "CONTACTED"), ("RESOLVED", "RESOLVED"), ("CLOSED", "RESOLVED")],
)
def test_step_that_leads_nowhere_is_refused(store, now, state, to):
    case = begin(store, now)
    by = actors.user(UserFactory(password=None).pk)
    ended = {"closed_at": now, "outcome": "SOLVED"} if state == "CLOSED" else {}
    Case.objects.update(state=state, owner=by.id, **ended)
    case.refresh_from_db()
    with pytest.raises(cases.CaseStepRefused):
        cases.step(case=case, to=CaseState(to), text="", by=by, at=now)


def test_closed_case_is_opened_again_with_a_reason(store, now):
    tom = UserFactory(password=None)
    by, case = actors.user(tom.pk), begin(store, now)
    cases.close(case=case, outcome=CaseOutcome.UNREACHED, text="", by=by, at=now)
    with pytest.raises(cases.CaseWordsMissing), transaction.atomic():
        cases.reopen(case=case, reason=" ", by=by, at=now)
    later = now + 100 * HOURS
    cases.reopen(case=case, reason="She called back.", by=by, at=later)
    assert (case.state, case.owner, case.outcome, case.closed_at) == (CaseState.ASSIGNED, tom, "", None)
    assert case.due_at == later + 48 * HOURS
    assert story(case)[-1] == (CaseEventKind.STATE, f"user:{tom.pk}", "She called back.")


def test_case_goes_to_somebody_who_works_there(store, now):
    lena, anna = manager_of(store), manager_of(store)
    elsewhere, case = manager_of(StoreFactory()), begin(store, now)
    cases.assign(case=case, owner=anna, by=actors.user(lena.pk), at=now)
    assert (case.owner, case.state) == (anna, CaseState.ASSIGNED)
    with pytest.raises(cases.CaseOwnerUnfit):
        cases.assign(case=case, owner=elsewhere, by=STAFF, at=now)


def test_case_is_passed_on_to_another_store(store, now):
    other = StoreFactory()
    lena, case = manager_of(other), begin(store, now)
    cases.pass_on(case=case, store=other, by=STAFF, at=now)
    assert (case.store, case.owner, case.state) == (other, lena, CaseState.ASSIGNED)
    third = StoreFactory()
    cases.pass_on(case=case, store=third, by=STAFF, at=now)
    assert (case.store, case.owner, case.state) == (third, None, CaseState.NEW)


def test_due_time_is_put_off_with_a_reason(store, now):
    case = begin(store, now)
    cases.put_off(case=case, due_at=now + 90 * HOURS, reason="She is away.", by=STAFF, at=now)
    assert case.due_at == now + 90 * HOURS
    with pytest.raises(cases.CaseDueInPast):
        cases.put_off(case=case, due_at=now - HOURS, reason="…", by=STAFF, at=now)


def test_second_of_two_who_changed_what_they_read_is_told(store, now):
    case = begin(store, now)
    lena, anna = manager_of(store), manager_of(store)
    stale = Case.objects.get(pk=case.pk)
    cases.assign(case=case, owner=lena, by=actors.user(lena.pk), at=now)
    with pytest.raises(cases.CaseMoved), transaction.atomic():
        cases.assign(case=stale, owner=anna, by=actors.user(anna.pk), at=now)
    assert Case.objects.get().owner == lena


@pytest.mark.django_db(transaction=True)
def test_of_two_managers_at_once_one_has_it(store, now):
    roles.sync()
    lena, anna = manager_of(store), manager_of(store)
    for _ in range(8):
        case = begin(store, now)
        done = at_once(
            *[
                partial(cases.assign, case=Case.objects.get(pk=case.pk), owner=who, by=actors.user(who.pk), at=now)
                for who in (lena, anna)
            ]
        )
        assert sorted(type(one).__name__ for one in done) == ["CaseMoved", "NoneType"]
        assert case.events.filter(kind=CaseEventKind.ASSIGNMENT).count() == 1


def test_story_is_never_changed(store, now):
    event = begin(store, now).events.get()
    for change in (lambda: CaseEvent.objects.update(text="?"), event.delete):
        with pytest.raises(ProgrammingError), transaction.atomic():
            change()


@pytest.mark.parametrize(
    ("rule", "fields"),
    [
        ("case_in_hand_has_an_owner", {"state": "ASSIGNED"}),
        ("case_closed_says_when_and_how", {"outcome": "SOLVED"}),
        ("case_of_a_survey_has_its_response", {"channel": "SURVEY"}),
        ("case_opened_by_someone", {"opened_by": ""}),
        ("case_channel_is_known", {"channel": "FAX"}),
        ("case_severity_is_known", {"severity": "AWFUL"}),
        ("case_is_due_after_it_opened", {"due_at": AT - HOURS}),
    ],
)
def test_database_refuses_what_makes_no_sense(rule, fields):
    with pytest.raises(IntegrityError, match=rule):
        CaseFactory(**fields)


def test_overdue_is_what_waits_beyond_its_time(store, now):
    late = begin(store, now - 50 * HOURS)
    done = begin(store, now - 50 * HOURS)
    begin(store, now)
    by = actors.user(UserFactory(password=None).pk)
    cases.step(case=done, to=CaseState.RESOLVED, text="", by=by, at=now)
    assert list(Case.objects.filter(cases.is_overdue(at=now))) == [late]


def test_merge_moves_cases_and_its_undoing_gives_them_back(store, now):
    old, mei = CustomerFactory(), CustomerFactory()
    own, hers = begin(store, now, customer=old), begin(store, now, customer=mei)
    merge = merges.merge(source=old, target=mei, reason="", by=STAFF, at=now)
    assert {case.customer for case in Case.objects.all()} == {mei}
    since = begin(store, now, customer=mei)
    merges.undo(merge=merge, by=STAFF, at=now)
    merges.undo(merge=merge, by=STAFF, at=now)
    assert dict(Case.objects.values_list("pk", "customer")) == {own.pk: old.pk, hers.pk: mei.pk, since.pk: mei.pk}


def test_forgetting_a_person_leaves_what_happened_when_and_no_word(store, now):
    mei = CustomerFactory(name="Mei Lin", email="mei@example.org")
    case = begin(store, now, words="Mei Lin called", customer=mei, address="mei@example.net")
    other = begin(store, now, words="Somebody else")
    cases.note(case=case, text="Mei was angry", by=STAFF, at=now)
    privacy.erase(customer=mei, by=STAFF, at=now)
    case.refresh_from_db()
    assert (case.subject, case.address, case.customer_id) == ("", "", mei.pk)
    assert story(case) == [(CaseEventKind.OPENED, "user:7", ""), (CaseEventKind.NOTE, "user:7", "")]
    assert story(other) == [(CaseEventKind.OPENED, "user:7", "Somebody else")]


@pytest.mark.django_db(transaction=True)
def test_who_is_forgotten_while_staff_write_leaves_no_word_of_before(store, now):
    for _ in range(8):
        mei = CustomerFactory()
        case = begin(store, now, customer=mei)
        done = at_once(
            partial(cases.note, case=case, text="Mei", by=STAFF, at=now),
            partial(begin, store, now, words="Mei again", customer=mei),
            partial(privacy.erase, customer=mei, by=STAFF, at=now),
        )
        assert done[2] is None
        before = CaseEvent.objects.filter(case__customer=mei, pk__lt=max(event.pk for event in case.events.all()))
        assert not before.filter(text="The bread was stale.\nTwice!").exists()


@pytest.mark.parametrize(
    ("text", "shown"),
    [("  Stale bread\nand milk", "Stale bread"), ("面包" * 60, "面包" * 39 + "面…"), ("\n\n", "")],
)
def test_first_words_fit_a_list(text, shown):
    assert cases.first_words(text) == shown


def test_form_sent_again_finds_its_case_and_other_words_in_it_are_refused(store, now):
    token, mei = uuid4(), CustomerFactory()
    case = begin(store, now, token=token, customer=mei)
    assert begin(store, now + timedelta(minutes=1), token=token, customer=mei) == case
    others = (
        {"words": "Cold soup"},
        {"customer": None},
        {"severity": "SERIOUS"},
        {"store": StoreFactory()},
        {"address": "m@x.example"},
        {"due_at": now + timedelta(hours=2)},
    )
    for other in others:
        with pytest.raises(cases.CaseOpenedAlready, match=str(case.pk)):
            begin(**{"store": store, "now": now, "token": token, "customer": mei, **other})
    assert (Case.objects.get(), case.events.count()) == (case, 1)


@pytest.mark.django_db(transaction=True)
def test_double_click_opens_one_case(store, now):
    click = partial(begin, store, now, token=uuid4())
    first, second = behind(click, click)
    assert first == second == Case.objects.get()
