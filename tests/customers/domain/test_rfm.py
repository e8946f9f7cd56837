from customers.domain import rfm


def test_score_is_the_fifth_by_rank():
    assert [rfm.score(value, range(10)) for value in range(10)] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


def test_who_is_equal_has_the_score_of_the_middle_of_their_ranks():
    assert [rfm.score(value, [1, 1, 1, 1, 2]) for value in (1, 2)] == [3, 5]
    assert rfm.score(7, [7]) == 3


def test_volume_is_the_mean_with_halves_up():
    assert [rfm.volume(*pair) for pair in ((1, 1), (1, 2), (2, 4), (5, 4))] == [1, 2, 3, 5]


def test_corners_and_middle_of_the_map():
    named = {
        (5, 5): "CHAMPIONS",
        (1, 5): "CANNOT_LOSE",
        (5, 1): "NEW",
        (4, 1): "PROMISING",
        (1, 1): "HIBERNATING",
        (3, 3): "NEED_ATTENTION",
        (3, 1): "ABOUT_TO_SLEEP",
        (2, 4): "AT_RISK",
        (4, 4): "LOYAL",
        (4, 3): "POTENTIAL",
    }
    assert {place: rfm.group(*place) for place in named} == named


def test_cells_are_the_whole_map_once():
    cells = list(rfm.cells())
    assert len(cells) == len({(volume, recency) for volume, recency, _ in cells}) == 25
    assert all(rfm.group(recency, volume) == group for volume, recency, group in cells)
