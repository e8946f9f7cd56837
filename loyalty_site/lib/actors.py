"""Who did it: every change of value carries an actor, kept as text so that history outlives accounts."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Actor:
    """`kind:id`, for example `user:12`; the system has no id."""

    kind: Literal["user", "till", "customer", "system"]
    id: int | None = None

    def __str__(self) -> str:
        return self.kind if self.id is None else f"{self.kind}:{self.id}"


SYSTEM = Actor("system")


def user(user_id: int) -> Actor:
    return Actor("user", user_id)


def till(till_id: int) -> Actor:
    return Actor("till", till_id)


def customer(customer_id: int) -> Actor:
    return Actor("customer", customer_id)
