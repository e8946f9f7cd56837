"""Small unexpected thank-yous: who gets one is decided and recorded before anybody knows whether it helps."""

from rewards.domain.surprises.activation import (
    RuleActive,
    RuleEnded,
    RuleOtherCurrency,
    activate,
    cost_of,
    end,
)
from rewards.domain.surprises.draws import Difference, Drawn, is_drawn, replay, tell_in_turn
from rewards.domain.surprises.giving import after_purchase, take_back
from rewards.domain.surprises.preview import Preview, preview
from rewards.domain.surprises.timetable import CATCH_UP_DAYS, look_over
from rewards.domain.surprises.wording import message_of, title_of

__all__ = [
    "CATCH_UP_DAYS",
    "Difference",
    "Drawn",
    "Preview",
    "RuleActive",
    "RuleEnded",
    "RuleOtherCurrency",
    "activate",
    "after_purchase",
    "cost_of",
    "end",
    "is_drawn",
    "look_over",
    "message_of",
    "preview",
    "replay",
    "take_back",
    "tell_in_turn",
    "title_of",
]
