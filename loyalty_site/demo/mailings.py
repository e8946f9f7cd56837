"""The data's 27 mailings of coupons: what was sent to whom, and what came back to the tills.

A campaign is an offer for the products that its coupons were for. A household that it was sent to holds one coupon: the
mailing, good for as many uses as coupons were in it (of campaigns of type A each household got PERSONAL ones, nobody
tells which). Each redemption of the data is one use, at the moment of the household's purchase of that day.

Where that purchase holds a product of the redeemed coupon, the use belongs to it; its discount is what the data says
was taken off these lines: `coupon_disc` + `coupon_match_disc`, each line counted for one use, the first by coupon_upc.
Else, and where nothing was taken off, it is 0: the data does not say what a coupon was worth. What such a coupon takes
off today (WORTH_MINOR) is therefore the demo's own. `sales_value`, the amount of the purchase's lines, is after these
discounts already, so they are not taken off again.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction

from loyalty_site.demo import journey, people
from loyalty_site.lib import actors, codes
from rewards.domain import offers
from rewards.models import Coupon, Offer, OfferKind

if TYPE_CHECKING:
    import pyarrow

PERSONAL = 16
WORTH_MINOR = 100
_SQL = Path(__file__).with_name("sql")
_USE = ["household_id", "coupon_upc", "campaign_id", "day"]


@dataclass(frozen=True, slots=True)
class Use:
    """One redemption. `bought_at` is naive UTC as in the file; without `receipt` no purchase holds such a product."""

    household: int
    campaign: int
    store: int
    receipt: int | None
    discount_minor: int
    bought_at: datetime


@transaction.atomic
def tell(bought: "pyarrow.Table", last_day: date) -> None:
    """To the households in `bought`, whose purchases and cards are there. Again and again changes nothing."""
    made = _make_offers(last_day)
    _name_products(bought, made)
    found = uses(bought)
    coupons = _issue(bought, made, found)
    if coupons:
        _redeem(coupons, made, found, last_day)


def uses(bought: "pyarrow.Table") -> list[Use]:
    """By household, day and coupon."""
    candidates: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in _candidates(bought).to_pylist():
        candidates[row["household_id"], row["day"], row["coupon_upc"], row["campaign_id"]].append(row)
    counted: set[tuple[int, int]] = set()
    return [_use(candidates[key], counted) for key in sorted(candidates)]


def _candidates(bought: "pyarrow.Table") -> "pyarrow.Table":
    """Each redemption with the products that its household bought on its day, by basket; `fits` tells those that the
    coupon was for."""
    import pyarrow  # noqa: PLC0415 - heavy, and only the demo needs it
    from pyarrow import compute  # noqa: PLC0415

    households = bought["household_id"].unique()
    redeemed = journey.table("coupon_redemptions").rename_columns([*_USE[:3], "day"])
    redeemed = redeemed.set_column(3, "day", redeemed["day"].cast(pyarrow.date32()))
    redeemed = redeemed.filter(compute.is_in(redeemed["household_id"], value_set=households))
    own = bought.filter(compute.is_in(bought["household_id"], value_set=redeemed["household_id"].unique()))
    there = (
        own["transaction_timestamp"]
        .cast(pyarrow.timestamp("us", "UTC"))
        .cast(pyarrow.timestamp("us", str(journey.ZONE)))
    )
    own = own.append_column("day", compute.local_timestamp(there).cast(pyarrow.date32(), safe=False))
    own = own.append_column("off", compute.add(own["coupon_disc"], own["coupon_match_disc"]))
    keys = ["household_id", "day", "store_id", "basket_id", "product_id", "transaction_timestamp"]
    lines = own.group_by(keys).aggregate([("off", "sum")])
    coupons = journey.table("coupons")
    coupons = coupons.append_column("fits", pyarrow.repeat(True, coupons.num_rows))
    met = redeemed.join(lines, keys=["household_id", "day"], join_type="inner")
    return met.join(coupons, keys=["coupon_upc", "campaign_id", "product_id"], join_type="left outer")


def _use(rows: Sequence[dict[str, Any]], counted: set[tuple[int, int]]) -> Use:
    """In the basket with most taken off such products; of equal ones the earliest."""
    fitting = [row for row in rows if row["fits"]]
    off: dict[int, float] = defaultdict(float)
    for row in fitting:
        off[row["basket_id"]] += row["off_sum"]
    chosen = min(
        fitting or rows, key=lambda row: (-off[row["basket_id"]], row["transaction_timestamp"], row["basket_id"])
    )
    basket, discount = chosen["basket_id"], 0
    for row in fitting:
        line = (basket, row["product_id"])
        if row["basket_id"] == basket and line not in counted:
            counted.add(line)
            discount += round(row["off_sum"] * 100)
    return Use(
        chosen["household_id"],
        chosen["campaign_id"],
        chosen["store_id"],
        basket if fitting else None,
        discount,
        chosen["transaction_timestamp"],
    )


def _make_offers(last_day: date) -> dict[int, Offer]:
    """By campaign, from the midnight of its first day to that after its last on the stores' clocks."""
    days = last_day - journey.LAST_DAY
    known = {offer.code_prefix: offer for offer in Offer.objects.filter(code_prefix__startswith="MAIL")}
    sizes = _sizes()
    made = {}
    for row in journey.table("campaign_descriptions").to_pylist():
        campaign, begins = row["campaign_id"], _midnight(row["start_date"].date() + days)
        ends = _midnight(row["end_date"].date() + days + timedelta(days=1))
        prefix = f"MAIL{campaign:02}"
        if prefix in known:
            made[campaign] = known[prefix]
            continue
        made[campaign] = Offer.objects.create(
            title={"en": f"Mailing {campaign}", "zh-hans": f"优惠手册 {campaign}"},
            description={"en": "$1 off the products in it.", "zh-hans": "手册内商品立减 1 美元。"},
            kind=OfferKind.AMOUNT,
            amount_minor=WORTH_MINOR,
            currency=journey.CURRENCY,
            valid_from=begins,
            valid_to=ends,
            coupon_days=max(1, (ends - begins).days),
            code_prefix=prefix,
            code_max=sizes[campaign],
        )
        offers.publish(offer=made[campaign], by=actors.SYSTEM, at=begins)
    return made


def _sizes() -> dict[int, int]:
    """How many coupons a household got, by campaign."""
    counted = journey.table("coupons").group_by("campaign_id").aggregate([("coupon_upc", "count_distinct")])
    sizes = dict(zip(counted["campaign_id"].to_pylist(), counted["coupon_upc_count_distinct"].to_pylist(), strict=True))
    kinds = journey.table("campaign_descriptions", columns=["campaign_id", "campaign_type"]).to_pylist()
    personal = {row["campaign_id"] for row in kinds if row["campaign_type"] == "Type A"}
    return {
        row["campaign_id"]: PERSONAL if row["campaign_id"] in personal else sizes[row["campaign_id"]] for row in kinds
    }


def _name_products(bought: "pyarrow.Table", made: dict[int, Offer]) -> None:
    from pyarrow import compute  # noqa: PLC0415 - heavy, and only the demo needs it

    coupons = journey.table("coupons", columns=["campaign_id", "product_id"])
    coupons = coupons.filter(compute.is_in(coupons["product_id"], value_set=bought["product_id"].unique()))
    pairs = coupons.group_by(["campaign_id", "product_id"]).aggregate([])
    told = [made[campaign].pk for campaign in pairs["campaign_id"].to_pylist()]
    _run("mailings_products", [told, pairs["product_id"].cast("string").to_pylist()])


def _issue(bought: "pyarrow.Table", made: dict[int, Offer], found: Iterable[Use]) -> list[int]:
    """The ids of new coupons."""
    used: dict[tuple[int, int], int] = defaultdict(int)
    for use in found:
        used[use.campaign, use.household] += 1
    here = set(bought["household_id"].unique().to_pylist())
    rows = []
    for row in journey.table("campaigns").to_pylist():
        campaign, household = row["campaign_id"], row["household_id"]
        if household in here:
            offer, uses_count = made[campaign], used[campaign, household]
            code = offer.code_prefix + codes.generate(length=Coupon.BODY_LENGTH)
            uses_max = max(offer.code_max or 1, uses_count)
            rows.append((offer.pk, code, people.card(household), _reference(household), uses_max, uses_count))
    return [pk for (pk,) in _run("mailings_coupons", [list(column) for column in zip(*rows, strict=True)])]


def _redeem(coupons: list[int], made: dict[int, Offer], found: Iterable[Use], last_day: date) -> None:
    """Uses of one moment are a microsecond apart."""
    days = last_day - journey.LAST_DAY
    seen: dict[tuple[int, datetime], int] = defaultdict(int)
    rows = []
    for use in found:
        key = (use.household, use.bought_at)
        at = journey.moved(use.bought_at, days) + timedelta(microseconds=seen[key])
        seen[key] += 1
        receipt = None if use.receipt is None else str(use.receipt)
        rows.append((made[use.campaign].pk, _reference(use.household), str(use.store), receipt, use.discount_minor, at))
    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        ((redeemed,),) = _run("mailings_redemptions", [coupons, str(actors.SYSTEM), *columns])
        _run("mailings_counts", {"redeemed": redeemed})


def _reference(household: int) -> str:
    return f"mailing:{household}"


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=journey.ZONE)


def _run(name: str, values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute((_SQL / f"{name}.sql").read_text(encoding="utf-8"), values)
        return list(cursor.fetchall()) if cursor.description else []
