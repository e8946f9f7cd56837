"""Hold-outs: who is left out of a kindness, decided by chance before anybody knows what comes of it."""

from rewards.domain.experiments.assignments import arm_of, assign, assign_all
from rewards.domain.experiments.merging import carry_over, separate
from rewards.domain.experiments.plans import ExperimentBegun, plan, replan

__all__ = ["ExperimentBegun", "arm_of", "assign", "assign_all", "carry_over", "plan", "replan", "separate"]
