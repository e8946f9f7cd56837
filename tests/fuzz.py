"""How long random tests run: briefly and always the same in `make test`, long and always anew in `make fuzz`.

FUZZ_STEPS says how many steps a state machine takes at least in `make fuzz`.
"""

import os

from hypothesis import HealthCheck, Phase, settings

FUZZ_STEPS = int(os.environ.get("FUZZ_STEPS", "0"))
STEPS_EACH = 100
settings.register_profile(
    "tests",
    derandomize=not FUZZ_STEPS,
    database=None,
    deadline=None,  # a busy machine is no fault
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("tests")
# For a machine that must fail: nobody reads how it did.
WITHOUT_SHRINKING = {"phases": (Phase.generate,)}


def machine_settings(steps: int, **options) -> settings:
    """`steps` in all for `make test`. Some examples end early, so there are a few more than it takes."""
    return settings(
        max_examples=(FUZZ_STEPS or steps) * 13 // 10 // STEPS_EACH,
        stateful_step_count=STEPS_EACH,
        report_multiple_bugs=False,
        **options,
    )


def example_settings(examples: int) -> settings:
    """So many examples of a property, and twenty times as many in `make fuzz`."""
    return settings(max_examples=20 * examples if FUZZ_STEPS else examples)
