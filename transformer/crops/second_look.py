"""Second looks of the network: at faces that it doubts, turned, and at leaning ones, upright.

Most pictures need none of them: a face has its one run of the network, its crop as it was cut.
"""

from collections.abc import Awaitable, Callable

import numpy as np
from numpy.typing import NDArray

from serving.landmarks import LandmarkSet
from transformer.backends.base import FaceLandmarks
from transformer.crops.crop import Floats
from transformer.crops.looks import Look, measure_rolls, stack_crops
from transformer.detectors.way_up import TURNS

Predict = Callable[[NDArray[np.uint8]], Awaitable[FaceLandmarks]]


MOST = 32  # faces of a request that are looked at again for one reason, the worst first
# Shares of the set's `doubt`, the mean score of a face's points below which it is looked at again
# (0.75 of the shipped network, where upright portraits have 0.95 and turned ones 0.5).
LOST = 0.8  # below it the points are nowhere in particular, and so is what they lean by
GAIN = 1 / 15  # by how much a turned look must be better, and a level one may be worse
# Degrees. Of 20 portraits leaning by 45 the points moved 2.7 % of the eyes' distance from the
# upright ones', and 0.9 % after a second look; by 20 degrees 0.9 and 0.8.
LEAN = 20.0


async def look_again(
    looks: list[Look], located: FaceLandmarks, landmarks: LandmarkSet, predict: Predict
) -> None:
    """Show faces to the network again where that helps; `looks` and `located` take what is better.

    `located` has the landmarks `[F,K,2]` in pixels of the looks' crops, before and after.
    """
    gain = GAIN * landmarks.doubt
    doubtful = find_least(located.scores.mean(axis=1), landmarks.doubt)
    if len(doubtful):
        await turn_doubtful(doubtful, looks, located, predict, gain)
    rolls = measure_rolls(located.landmarks, landmarks)
    known = located.scores.mean(axis=1) > LOST * landmarks.doubt
    lean = 0.0 if landmarks.level_eyes else LEAN
    leaning = find_least(-np.abs(np.where(known, rolls, 0)), -lean)
    if len(leaning):
        await straighten_leaning(leaning, rolls, looks, located, predict, gain)


def find_least(values: Floats, limit: float) -> NDArray[np.intp]:
    """Find which of values `[F]` are below the limit: the MOST least ones, in order."""
    order = np.argsort(values, kind="stable")[:MOST]
    return np.sort(order[values[order] < limit])


async def turn_doubtful(
    faces: NDArray[np.intp],
    looks: list[Look],
    located: FaceLandmarks,
    predict: Predict,
    gain: float,
) -> None:
    """Show faces in the three other ways up, and keep the one that is better by `gain`."""
    turned = [[looks[face].turn_quarters(turn) for face in faces] for turn in TURNS]
    seen = await predict(stack_crops([look for row in turned for look in row]))
    means = seen.scores.mean(1).reshape(len(TURNS), len(faces))
    best = means.argmax(axis=0)  # [D]
    for column, (face, row) in enumerate(zip(faces, best, strict=True)):
        if means[row, column] > located.scores[face].mean() + gain:
            looks[face] = turned[row][column]
            keep(located, face, seen, row * len(faces) + column)


async def straighten_leaning(
    faces: NDArray[np.intp],
    rolls: Floats,
    looks: list[Look],
    located: FaceLandmarks,
    predict: Predict,
    loss: float,
) -> None:
    """Show faces with their eyes level, and keep those that score at most `loss` less."""
    level = [looks[face].rotate(float(rolls[face])) for face in faces]
    seen = await predict(stack_crops(level))
    for row, face in enumerate(faces):
        if seen.scores[row].mean() >= located.scores[face].mean() - loss:
            looks[face] = level[row]
            keep(located, face, seen, row)


def keep(located: FaceLandmarks, face: int, seen: FaceLandmarks, row: int) -> None:
    """Put one row of a later look in a face's place."""
    if not located.landmarks.flags.writeable:  # it came over the wire
        located.landmarks, located.scores = located.landmarks.copy(), located.scores.copy()
    located.landmarks[face], located.scores[face] = seen.landmarks[row], seen.scores[row]
