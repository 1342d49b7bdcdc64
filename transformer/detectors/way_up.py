"""Find the faces of a picture, whichever way up and however large they are.

One look is enough where its faces are sure. Else the picture is looked at smaller, as a face may
be too large for the network, and turned by quarters, counter-clockwise as numpy.rot90 counts them.
Each face then has the way up that shows it best. Single faces: transformer/crops/second_look.py.
"""

from collections.abc import Sequence

import numpy as np

from transformer.detectors.base import Detector
from transformer.detectors.boxes import Boxes, measure_gains, stack_boxes
from transformer.detectors.scales import LEVELS, list_scales
from transformer.detectors.search import Search
from transformer.detectors.views import View, measure_scale, view_picture
from transformer.inputs.choices import Choices
from transformer.pictures.picture import Picture
from transformer.settings import TransformerSettings

TURNS = (1, 2, 3)
ORDER = (2, 1, 3)  # of looks one by one: of four, two and two are of one shape, which costs less
COARSE = 160 * 120  # pixels of a look at large faces, at least
MIDDLE = 320 * 240  # and at smaller ones that are turned
TOGETHER = 110_000  # pixels of a view that is looked at in all ways up at once, at most
LARGE = 64  # pixels of a first look: from here on a coarse one shows a face as well, or better
EVIDENCE = 0.4  # score of a turned box from which its way up is worth a look at the full size


def find_faces(
    detector: Detector, picture: Picture, choices: Choices, settings: TransformerSettings
) -> Boxes:
    """Find the faces of a picture within its request's level and the budget, the best first."""
    level = LEVELS[choices.detect]
    scales = list_scales(level, picture.width * picture.height, settings.detect_budget)
    search, ways = Search(detector, picture), [0]
    search.look(first := view_picture(picture, scales[0]).shrink(scales[0]))
    large = LARGE * measure_scale(picture, scales[0])
    if level.everywhere or not search.is_sure() or has_doubtful(search, large):
        search.look(coarse := first.shrink(max(scales[0] // 16, COARSE)))
        if settings.any_way_up:
            if level.everywhere or has_doubtful(search, large):
                look_turned(search, coarse, ORDER)
            if level.everywhere or not search.is_sure():
                look_turned(search, first.shrink(max(scales[0] // 4, MIDDLE)), ORDER)
            if level.everywhere:
                look_turned(search, first, ORDER)
            ways += choose_ways(search, level.everywhere)
            if not level.everywhere:
                look_turned(search, first, ways[1:])
    for turn in ways:
        search.look_closer(scales, turn, level.everywhere)
    return search.join(choices.min_score or detector.min_score)


def has_doubtful(search: Search, size: float) -> bool:
    """Whether there is a large box, of at least so many pixels, that no sure face overlaps."""
    boxes, least = stack_boxes(search.found), search.detector.sure
    sure = boxes.select(boxes.scores >= least)
    large = boxes.select((boxes.measure_sizes() >= size) & (boxes.scores < least))
    return bool((measure_gains(large, sure) > 0).any())


def look_turned(search: Search, view: View, turns: Sequence[int]) -> None:
    """Look at a view in several ways up, at once where it is small and not long."""
    short, long = sorted(view.pixels.shape[:2])
    if len(turns) > 1 and long <= 2 * short and long * short <= TOGETHER:
        search.look_side_by_side(view, turns)
        return
    for turn in turns:
        search.look(view, turn)


def choose_ways(search: Search, everywhere: bool) -> list[int]:
    """Choose the ways up that show a face clearly better than upright: the best one, or all."""
    found = stack_boxes(search.found)
    upright = found.select(found.turns == 0)
    turned = {turn: found.select(found.turns == turn) for turn in TURNS}
    gains = {turn: measure_gains(boxes, upright) for turn, boxes in turned.items()}
    best = {t: np.max(boxes.scores[gains[t] > 0], initial=0) for t, boxes in turned.items()}
    ways = sorted((turn for turn in TURNS if best[turn] >= EVIDENCE), key=lambda t: -best[t])
    return ways if everywhere else ways[:1]
