"""Find the faces of a picture, whichever way up and however large they are.

One look is enough where its faces are sure. Else the picture is looked at smaller, as a face may
be too large for the network, and turned by quarters, counter-clockwise as numpy.rot90 counts them.
Each face then has the way up that shows it best. Single faces: transformer/second_look.py.
"""

import numpy as np

from transformer.choices import Choices
from transformer.detectors.base import Detector
from transformer.detectors.boxes import Boxes, measure_gains, stack_boxes
from transformer.detectors.scales import ENOUGH, FIRST, LEVELS, list_scales
from transformer.detectors.search import Search
from transformer.detectors.views import Source, View
from transformer.settings import TransformerSettings

TURNS = (1, 2, 3)
COARSE = FIRST // 16  # pixels of a look at large faces
MIDDLE = FIRST // 4  # and at smaller ones that are turned
LARGE = 64  # pixels of a first look: from here on a coarse one shows a face as well, or better
EVIDENCE = 0.4  # score of a turned box from which its way up is worth a look at the full size


def find_faces(
    detector: Detector, source: Source, choices: Choices, settings: TransformerSettings
) -> Boxes:
    """Find the faces of a picture as closely as the request and a budget of pixels say.

    Gives boxes in pixels of the picture, the best first.
    """
    level = LEVELS[choices.detect]
    scales = list_scales(level, source.width * source.height, settings.detect_budget)
    search, ways = Search(detector, source), [0]
    first = source.view(int(ENOUGH * scales[0])).shrink(scales[0])
    search.look(first)
    if level.everywhere or is_doubtful(search, source.measure_scale(scales[0])):
        coarse = first.shrink(COARSE)
        search.look(coarse)
        if settings.any_way_up:
            ways += look_turned(search, first, coarse, level.everywhere)
    for turn in ways:
        search.look_closer(scales, turn, level.everywhere)
    return search.join(choices.min_score or detector.min_score)


def is_doubtful(search: Search, scale: float) -> bool:
    """Whether the first look has no sure face, or a large one that is not."""
    boxes = search.found[0]
    large = boxes.measure_sizes() >= LARGE * scale
    return not search.is_sure() or bool((large & (boxes.scores < search.detector.sure)).any())


def look_turned(search: Search, first: View, coarse: View, everywhere: bool) -> list[int]:
    """Look at a picture turned; gives the ways up that show a face better than upright.

    Two smaller sizes tell which. At the full size only the best is looked at, or each.
    """
    for view in (coarse, first.shrink(MIDDLE)):
        for turn in TURNS:
            search.look(view, turn)
        if search.is_sure() and not everywhere:
            break
    if everywhere:
        for turn in TURNS:
            search.look(first, turn)
    found = stack_boxes(search.found)
    best = {turn: find_evidence(found, turn) for turn in TURNS}
    ways = [turn for turn in TURNS if best[turn] >= EVIDENCE]
    if everywhere or not ways:
        return ways
    way = max(ways, key=lambda turn: best[turn])
    search.look(first, way)
    return [way]


def find_evidence(found: Boxes, turn: int) -> float:
    """Find the best score of the turned boxes that are clearly better than the upright ones."""
    turned = found.select(found.turns == turn)
    gains = measure_gains(turned, found.select(found.turns == 0))
    return float(np.max(turned.scores[gains > 0], initial=0))
