"""Hold-outs: who is left out of a kindness, decided by chance before anybody knows what comes of it."""

from rewards.domain.experiments.assignments import arm_of, assign, assign_all
from rewards.domain.experiments.merging import carry_over, separate
from rewards.domain.experiments.plans import ExperimentBegun, plan, replan
from rewards.domain.experiments.reports import Outcome, Report, Window, read_on, report, size_planned

__all__ = [
    "ExperimentBegun",
    "Outcome",
    "Report",
    "Window",
    "arm_of",
    "assign",
    "assign_all",
    "carry_over",
    "plan",
    "read_on",
    "replan",
    "report",
    "separate",
    "size_planned",
]
