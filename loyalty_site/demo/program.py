"""How the demo's chain treats its customers: rules, rewards, offers and surprises."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from customers.domain import built_segments
from customers.models import Category, Product, Segment
from loyalty_site.demo import journey
from loyalty_site.lib import actors
from loyalty_site.segment_facts import FACTS
from rewards.domain import experiments, offers, surprises
from rewards.models import EarningKind, EarningRule, ExperimentKind, Offer, Program, Reward, SurpriseRule, Tier, Weekday

NAME = "Maple & Mango Market"
CATALOG: dict[str, Any] = json.loads(Path(__file__).with_name("catalog.json").read_text(encoding="utf-8"))

SURPRISE_OVER_MINOR: int = CATALOG["surprises"][0]["threshold_minor"]
FUEL, TOBACCO, FRUIT, BREAD = "COUPON/MISC ITEMS", "CIGARETTES", "TROPICAL FRUIT", "BAKED BREAD/BUNS/ROLLS"


def make(*, since: datetime) -> None:
    """All that the import and the customers' pages need, valid from `since`. What is there already stays as it is."""
    program = {"name": NAME, "currency": journey.CURRENCY, "timezone": str(journey.ZONE)}
    Program.objects.get_or_create(only=True, defaults=program)
    _make_earning_rules(since)
    if not Tier.objects.exists():
        Tier.objects.bulk_create(_tier(rank, row) for rank, row in enumerate(CATALOG["tiers"], start=1))
    if not Reward.objects.exists():
        Reward.objects.bulk_create(_reward(row, since) for row in CATALOG["rewards"])
    if not Offer.objects.exists():
        _make_offers(since)


def keep_from_recommendations(*, at: datetime) -> None:
    """Nobody needs to be told about fuel and tobacco."""
    unwanted = Product.objects.filter(category__code__in=[FUEL, TOBACCO], discontinued_at__isnull=True)
    unwanted.update(discontinued_at=at)


def make_segments(*, at: datetime) -> None:
    """Two examples, of the rhythms as they are."""
    if Segment.objects.exists():
        return
    for row in CATALOG["segments"]:
        terms = [[{"fact": fact, "is_not": False, "values": values}] for fact, values in row["all_of"]]
        told = {"name": row["name"], "description": row["description"], "terms": terms}
        built_segments.save(segment=None, **told, facts=FACTS, by=actors.SYSTEM, at=at)


def offer(key: str) -> Offer | None:
    """`thanks`, `autumn` or `smoothie`."""
    prefix = CATALOG["offers"][key]["code_prefix"]
    return Offer.objects.filter(code_prefix=prefix, published_at__isnull=False).first()


def _make_earning_rules(since: datetime) -> None:
    if EarningRule.objects.exists():
        return
    multipliers = [
        ("fruit", "Double points on tropical fruit", FRUIT, 2, []),
        ("bread", "Wednesday is bread day: triple points", BREAD, 3, [Weekday.WEDNESDAY]),
        ("fuel", "No points on fuel and services", FUEL, 0, []),
        ("tobacco", "No points on tobacco", TOBACCO, 0, []),
    ]
    base = EarningRule(
        code="base", name="1 point for every $1", kind=EarningKind.BASE, points=1, per_minor=100, valid_from=since
    )
    categories = Category.objects.in_bulk([category for _, _, category, _, _ in multipliers], field_name="code")
    EarningRule.objects.bulk_create(
        [
            base,
            *(
                EarningRule(
                    code=code,
                    name=name,
                    kind=EarningKind.MULTIPLIER,
                    multiplier=multiplier,
                    category=categories[category],
                    weekdays=weekdays,
                    valid_from=since,
                )
                for code, name, category, multiplier, weekdays in multipliers
            ),
        ]
    )


def _tier(rank: int, row: dict[str, Any]) -> Tier:
    names = {language: row[language] for language in ("en", "zh-hans")}
    return Tier(rank=rank, code=row["code"], name=names, threshold=row["threshold"])


def _reward(row: dict[str, Any], since: datetime) -> Reward:
    plain = {key: row[key] for key in ("cost_points", "stock", "kind") if key in row}
    return Reward(**_texts(row, "name", "description"), **plain, offered_from=since)


def _make_offers(since: datetime) -> None:
    for row in CATALOG["offers"].values():
        plain = {key: value for key, value in row.items() if key not in ("en", "zh-hans")}
        made = Offer.objects.create(
            **_texts(row, "title", "description"), **plain, currency=journey.CURRENCY, valid_from=since
        )
        offers.publish(offer=made, by=actors.SYSTEM, at=since)
    for row in CATALOG["surprises"]:
        _make_rule(row, since)


def _make_rule(row: dict[str, Any], since: datetime) -> None:
    plain = {key: value for key, value in row.items() if key not in ("en", "zh-hans", "offer")}
    prefix = CATALOG["offers"][row["offer"]]["code_prefix"] if "offer" in row else None
    rule = SurpriseRule.objects.create(
        **plain,
        **_texts(row, "title", "message"),
        offer=Offer.objects.get(code_prefix=prefix) if prefix else None,
        currency=journey.CURRENCY,
        experiment=experiments.plan(
            kind=ExperimentKind.SURPRISE, name=row["name"], holdout_percent=10, by=actors.SYSTEM, at=since
        ),
        active_from=since,
    )
    surprises.activate(rule=rule, by=actors.SYSTEM, at=since)


def _texts(row: dict[str, Any], first: str, second: str) -> dict[str, dict[str, str]]:
    """[title, description] by language → one text by language for each of two fields."""
    languages = [language for language in ("en", "zh-hans") if language in row]
    return {field: {language: row[language][n] for language in languages} for n, field in enumerate((first, second))}
