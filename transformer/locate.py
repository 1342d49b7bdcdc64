"""The crops of a request's faces to their landmarks in pixels of the pictures."""

import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from serving import contract as spec
from serving.faces import score_faces
from serving.landmarks import LandmarkSet
from serving.telemetry.stages import Stage, Timings, add_timings
from transformer.backends.base import FaceLandmarks
from transformer.crops.crop import map_to_crop, to_picture
from transformer.crops.looks import join_maps, stack_crops, turn_back
from transformer.crops.second_look import look_again
from transformer.faces import DetectedFaces, doubt_unseen, find_borne_out
from transformer.outputs.extras import Extras

CROP_BRIGHTNESS = "crop_brightness"  # 0 to 255, for metrics and events; not an output
Arrays = dict[str, NDArray]  # outputs by name


@dataclass(slots=True)
class Locator:
    """Asks a model of the predictor about the crops of one request."""

    landmarks: LandmarkSet
    extras: Extras  # the outputs that are wanted beyond points
    predict: Callable[..., Awaitable[FaceLandmarks]]
    claim: Callable[[int], None]  # counts bytes of the answer
    any_way_up: bool
    timings: Timings = field(default_factory=dict)

    async def locate(self, found: list[DetectedFaces], twice: bool = True) -> Arrays:
        """Find all outputs of the faces borne out; `twice`: look again where that helps."""
        begun, counts = time.perf_counter(), [len(faces.scores) for faces in found]
        arrays = {
            spec.BOXES.name: np.concatenate([faces.boxes for faces in found]),
            spec.BOX_SCORES.name: np.concatenate([faces.scores for faces in found]),
            spec.IMAGE_INDEX.name: np.repeat(np.arange(len(found), dtype=np.int32), counts),
        }
        arrays |= await self.locate_crops(found, twice and self.any_way_up)
        arrays |= await self.extras.measure(found, arrays[spec.LANDMARKS.name])
        borne_out = find_borne_out(found, arrays[spec.FACE_SCORES.name], self.landmarks.low)
        if twice and not borne_out.all():
            arrays = select_faces(arrays, borne_out)
        add_timings(self.timings, {Stage.PREDICT: time.perf_counter() - begun})
        return arrays

    async def locate_crops(self, found: list[DetectedFaces], twice: bool) -> Arrays:
        known = self.landmarks
        located = FaceLandmarks.of_no_face(known)
        points, scores = located.landmarks, located.scores
        maps = np.empty((0, 2, 3), np.float32)
        looks = [look for faces in found for look in faces.list_looks()]
        if looks:
            located = await self.predict(stack_crops(looks))
            if twice:
                await look_again(looks, located, known, self.predict)
            if spec.HEATMAPS.name in self.extras.names:  # of the crops as they were looked at last
                self.claim(4 * len(looks) * len(known) * math.prod(known.map_size))
                located.heatmaps = (await self.predict(stack_crops(looks), heatmaps=True)).heatmaps
            squares = [square for faces in found for square in faces.squares]
            turns = np.stack([look.turn for look in looks])  # [F, 2, 3]
            points = to_picture(turn_back(located.landmarks, turns), squares, known.side)
            scores = doubt_unseen(located.scores, points, found)
            if spec.CROPS.name in self.extras.names:
                maps = join_maps(turns, np.stack([map_to_crop(s, known.side) for s in squares]))
        add_timings(self.timings, located.timings)
        return {
            spec.LANDMARKS.name: points,
            spec.SCORES.name: scores,
            spec.FACE_SCORES.name: score_faces(scores),
            spec.CROPS.name: maps,
            spec.HEATMAPS.name: located.heatmaps,
            CROP_BRIGHTNESS: np.array([look.crop.mean() for look in looks], np.float32),
        }


def select_faces(arrays: Mapping[str, NDArray], index: NDArray) -> Arrays:
    """Select faces of outputs by a mask `[F]` or their numbers; what wasn't asked for is empty."""
    return {name: array[index] if len(array) else array for name, array in arrays.items()}
