"""What would have come of other rules: history replayed under a draft, with nothing written."""

from rewards.domain.simulation.draft import CapDraft, Draft, DraftInvalid, MultiplierDraft, RateDraft
from rewards.domain.simulation.run import Outcome, Side, SimulationBusy, TierCount, run

__all__ = [
    "CapDraft",
    "Draft",
    "DraftInvalid",
    "MultiplierDraft",
    "Outcome",
    "RateDraft",
    "Side",
    "SimulationBusy",
    "TierCount",
    "run",
]
