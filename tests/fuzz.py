"""How long random tests run: briefly and always the same in `make test`, long and always anew in `make fuzz`.

FUZZ_STEPS says how many steps a state machine takes in `make fuzz`.
"""

import os

from hypothesis import HealthCheck, Phase, settings

FUZZ_STEPS = int(os.environ.get("FUZZ_STEPS", "0"))
STEPS_EACH = 100


def machine_settings(steps: int, **options) -> settings:
    """`steps` in all for `make test`; what one example does is not shrunk, for it ran on a database."""
    return settings(
        max_examples=max(1, (FUZZ_STEPS or steps) // STEPS_EACH),
        stateful_step_count=STEPS_EACH,
        derandomize=not FUZZ_STEPS,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        **options,
    )


WITHOUT_SHRINKING = {"phases": (Phase.generate,)}
