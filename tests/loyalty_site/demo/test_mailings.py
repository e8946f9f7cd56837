"""The demo's mailings, beside what pandas computes from the raw tables."""

from datetime import timedelta
from functools import cache

import pandas
import pytest
from django.db.models import Count, Sum

from loyalty_site.demo import journey, mailings
from rewards.domain import offer_reports
from rewards.domain.offer_reports import Totals
from rewards.models import Coupon, CouponRedemption, Offer, OfferTally
from tests.loyalty_site.seeding import NOW, seed, table

# The first ones of the load, and those who redeemed most.
HOUSEHOLDS = [2124, 2489, 256, 367, 588, 1823, 2003]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loaded")]


@pytest.fixture(scope="module")
def loaded(made_once):
    with pytest.MonkeyPatch.context() as patch, made_once():
        patch.setattr(journey, "households", lambda _count: HOUSEHOLDS)
        seed("--households", str(len(HOUSEHOLDS)))


def raw(name):
    found = table(name)
    return found[found.household_id.isin(HOUSEHOLDS)] if "household_id" in found else found


@cache
def redeemed():
    """Each redemption with the basket that it is for and what was taken off: the long way round, row by row."""
    lines = raw("transactions").copy()
    clock = lines.transaction_timestamp.dt.tz_localize("UTC").dt.tz_convert(str(journey.ZONE))
    lines["day"] = clock.dt.tz_localize(None).dt.normalize()
    lines["off"] = lines.coupon_disc + lines.coupon_match_disc
    coupons = raw("coupons")
    order = ["household_id", "redemption_date", "coupon_upc", "campaign_id"]
    counted, rows = set(), []
    for row in raw("coupon_redemptions").sort_values(order).itertuples():
        products = coupons[(coupons.coupon_upc == row.coupon_upc) & (coupons.campaign_id == row.campaign_id)].product_id
        own = lines[(lines.household_id == row.household_id) & (lines.day == row.redemption_date)]
        fitting = own[own.product_id.isin(products)]
        if fitting.empty:
            rows.append((row.campaign_id, row.household_id, row.redemption_date, None, 0))
            continue
        baskets = fitting.groupby("basket_id").agg(off=("off", "sum"), at=("transaction_timestamp", "min"))
        basket = baskets.reset_index().sort_values(["off", "at"], ascending=[False, True]).basket_id.iloc[0]
        new = fitting[(fitting.basket_id == basket) & ~fitting.index.isin(counted)]
        counted.update(new.index)
        minor = round(new.off.sum() * 100)
        rows.append((row.campaign_id, row.household_id, row.redemption_date, basket, minor))
    return pandas.DataFrame(rows, columns=["campaign", "household", "day", "basket", "minor"])


def test_each_mailing_is_an_offer_for_the_products_of_its_coupons():
    sold = set(raw("transactions").product_id)
    coupons = raw("coupons")
    days = timedelta(days=(NOW.date() - timedelta(days=1) - journey.LAST_DAY).days)
    found = {offer.code_prefix: offer for offer in Offer.objects.filter(code_prefix__startswith="MAIL")}
    for row in raw("campaign_descriptions").itertuples():
        offer = found.pop(f"MAIL{row.campaign_id:02}")
        expected = set(coupons[coupons.campaign_id == row.campaign_id].product_id) & sold
        assert {int(sku) for sku in offer.products.values_list("sku", flat=True)} == expected
        begins, ends = (moment.astimezone(journey.ZONE) for moment in (offer.valid_from, offer.valid_to))
        assert (begins.date(), ends.date()) == (row.start_date.date() + days, row.end_date.date() + days + timedelta(1))
        assert (begins.hour, begins.minute, ends.hour) == (0, 0, 0)
        assert offer.published_at == offer.valid_from
    assert not found


def test_each_targeted_household_holds_the_mailing_from_its_first_day():
    mailed = Coupon.objects.filter(offer__code_prefix__startswith="MAIL")
    told = mailed.values_list("offer__code_prefix", "customer__cards__number")
    targeted = raw("campaigns")
    expected = {(f"MAIL{row.campaign_id:02}", f"household-{row.household_id}") for row in targeted.itertuples()}
    assert {pair for pair in told if pair[1].startswith("household-")} == expected
    assert mailed.count() == len(targeted) > 50
    assert all(coupon.issued_at == coupon.offer.valid_from for coupon in mailed.select_related("offer"))


def test_each_redemption_of_the_data_is_a_use_on_its_day_in_its_purchase():
    expected = redeemed()
    uses = CouponRedemption.objects.filter(offer__code_prefix__startswith="MAIL").select_related("offer", "purchase")
    households = {
        customer: int(number.removeprefix("household-"))
        for customer, number in Coupon.objects.filter(customer__cards__number__startswith="household-").values_list(
            "customer", "customer__cards__number"
        )
    }
    days = timedelta(days=(NOW.date() - timedelta(days=1) - journey.LAST_DAY).days)
    found = [
        (
            int(use.offer.code_prefix[4:]),
            households[use.customer_id],
            pandas.Timestamp(use.redeemed_at.astimezone(journey.ZONE).date() - days),
            int(use.purchase.receipt_number) if use.purchase else None,
            use.discount_minor,
        )
        for use in uses
    ]
    rows = expected[["campaign", "household", "day", "basket", "minor"]].astype(object)
    wanted = [tuple(row) for row in rows.where(rows.notna(), None).itertuples(index=False)]
    assert sorted(found, key=str) == sorted(((c, h, d, b and int(b), m) for c, h, d, b, m in wanted), key=str)
    assert sum(use.discount_minor for use in uses) > 0
    assert {use.purchase is None for use in uses} == {True, False}


def test_reports_say_what_pandas_computes_from_the_raw_tables():
    uses, targeted = redeemed(), raw("campaigns")
    paid = raw("transactions").groupby("basket_id").sales_value.sum()
    stores = raw("transactions").drop_duplicates("basket_id").set_index("basket_id").store_id
    starts = raw("campaign_descriptions").set_index("campaign_id").start_date
    for offer in Offer.objects.filter(code_prefix__startswith="MAIL"):
        campaign = int(offer.code_prefix[4:])
        own, hands = uses[uses.campaign == campaign], targeted[targeted.campaign_id == campaign]
        baskets = own.basket.dropna().unique()
        found = offer_reports.report(offer=offer)
        assert found.totals == Totals(
            issued=len(hands),
            holders=hands.household_id.nunique(),
            used=own.household.nunique(),
            redeemed=len(own),
            discount_minor=own.minor.sum(),
            baskets=len(baskets),
            spend_minor=round(paid[baskets].sum() * 100),
            rolled_back=0,
        )
        by_store = {store.code: store.redeemed for store in found.stores}
        expected = own.basket.map(stores).dropna().astype(int).astype(str).value_counts().to_dict()
        assert {code: number for code, number in by_store.items() if code} == expected
        assert by_store.get(None, 0) == own.basket.isna().sum()
        shift = pandas.Timedelta(days=(NOW.date() - timedelta(days=1) - journey.LAST_DAY).days)
        by_week = (own.day + shift).dt.to_period("W-SUN").dt.start_time.dt.date.value_counts().to_dict()
        assert {week.first: week.redeemed for week in found.weeks if week.redeemed} == by_week
        if len(own):
            waited = (own.day - starts[campaign]).median()
            assert waited <= found.waited.median + timedelta(hours=1)
            assert found.waited.median - timedelta(hours=25) <= waited


def test_offers_and_tallies_count_the_uses():
    counted = CouponRedemption.objects.values("offer", "customer")
    sums = counted.annotate(used=Count("pk"), off=Sum("discount_minor")).values_list("offer", "customer", "used", "off")
    assert set(OfferTally.objects.values_list("offer", "customer", "used", "discount_minor")) == set(sums)
    by_offer = Offer.objects.annotate(used=Count("redemptions"), off=Sum("redemptions__discount_minor", default=0))
    assert all((offer.redeemed_count, offer.redeemed_minor) == (offer.used, offer.off) for offer in by_offer)
    assert not any(coupon.redemptions.count() != coupon.uses_count for coupon in Coupon.objects.all())


def test_all_redemptions_of_the_data_are_found():
    uses = mailings.uses(journey.lines(journey.households(None)))

    assert len(uses) == 2102
    assert sum(use.receipt is not None for use in uses) == 1839
