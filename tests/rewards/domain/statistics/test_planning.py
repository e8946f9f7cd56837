import pytest

from rewards.domain import statistics
from rewards.domain.statistics import Size


def test_size_and_power_are_the_published_ones():
    """The examples of R's power.prop.test: n = 76.7 and power = 0.740."""
    wanted = {"rate": 0.5, "difference": 0.25}
    assert statistics.size_needed(**wanted, holdout_share=0.5, wanted_power=0.9) == Size(77, 77)
    assert round(statistics.power(**wanted, holdout=50, treated=50), 3) == 0.740


@pytest.mark.parametrize(
    ("rate", "difference", "share"), [(0.5, 0.05, 0.1), (0.3, -0.1, 0.5), (0.02, 0.01, 0.25), (0.9, 0.05, 0.05)]
)
def test_size_gives_the_power_it_was_made_for_and_one_less_does_not(rate, difference, share):
    told = {"rate": rate, "difference": difference}
    size = statistics.size_needed(**told, holdout_share=share)
    assert size.holdout / size.total == pytest.approx(share, rel=0.01)
    assert statistics.power(**told, holdout=size.holdout, treated=size.treated) >= 0.7999
    fewer = {"holdout": size.holdout - 2, "treated": size.treated - 2 * round((1 - share) / share)}
    assert statistics.power(**told, **fewer) < 0.8


def test_what_can_be_seen_is_the_other_way_round():
    size = statistics.size_needed(rate=0.5, difference=0.05, holdout_share=0.1)
    seen = statistics.detectable(rate=0.5, holdout=size.holdout, treated=size.treated)
    assert seen == pytest.approx(0.05, rel=1e-3)
    assert statistics.detectable(rate=0.5, holdout=2, treated=5) is None
    assert statistics.detectable(rate=0.5, holdout=0, treated=500) is None
    assert statistics.detectable(rate=1.0, holdout=90, treated=500) is None


@pytest.mark.parametrize(
    "told",
    [
        {"rate": 0.5, "difference": 0.5, "holdout_share": 0.1},
        {"rate": 0.5, "difference": 0, "holdout_share": 0.1},
        {"rate": 0, "difference": 0.1, "holdout_share": 0.1},
        {"rate": 0.5, "difference": 0.1, "holdout_share": 0},
    ],
)
def test_no_size_for_what_cannot_be_seen(told):
    with pytest.raises(ValueError, match="Nothing to see"):
        statistics.size_needed(**told)
