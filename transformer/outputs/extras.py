"""What a request may ask for beyond points: read at once, and computed where it is asked for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from serving.aside import run_aside
from serving.contract import (
    ALIGNED,
    ALIGNED_MAPS,
    BRIGHTNESS,
    EYE_DISTANCE,
    IMAGE_INDEX,
    INSIDE,
    LANDMARKS,
    POSE,
    SHARPNESS,
)
from serving.landmarks import LandmarkSet
from serving.messages import Call
from serving.telemetry.stages import Stage, Timings, measure_stage
from transformer.crops.crop import Floats
from transformer.faces import DetectedFaces, FaceFinder
from transformer.outputs.aligned import (
    Template,
    choose_reading,
    cut_aligned,
    fit_similarities,
    read_template,
)
from transformer.outputs.five import find_five, weigh_five
from transformer.outputs.pose import choose_points, estimate_poses
from transformer.outputs.quality import (
    measure_brightness,
    measure_eyes,
    measure_inside,
    measure_sharpness,
)
from transformer.pictures.base64_text import Base64Text
from transformer.pictures.picture import Pixels
from transformer.pool import WorkerPool

EXTRAS = (ALIGNED, ALIGNED_MAPS, POSE, SHARPNESS, BRIGHTNESS, EYE_DISTANCE, INSIDE)
CHUNK = 64  # poses, 12 ms, between which others' long bodies have their turn
NEED_FIVE = {ALIGNED.name, ALIGNED_MAPS.name, EYE_DISTANCE.name}


@dataclass(frozen=True, slots=True)
class Extras:
    """What a request asks for beyond points, of a network with this landmark set."""

    names: frozenset[str]
    landmarks: LandmarkSet
    template: Template | None  # where aligned crops or their affines are asked for

    @classmethod
    def read(
        cls, names: Sequence[str], parameters: Mapping[str, object], landmarks: LandmarkSet
    ) -> "Extras":
        """Read it; raises InvalidRequest with what is accepted, or what the set lacks."""
        asked = frozenset(names)
        if asked & NEED_FIVE:
            weigh_five(landmarks)
        if POSE.name in asked:
            choose_points(landmarks)
        aligned = asked & {ALIGNED.name, ALIGNED_MAPS.name}
        return cls(asked, landmarks, read_template(parameters) if aligned else None)

    async def measure(self, found: Sequence[DetectedFaces], points: Floats) -> dict[str, NDArray]:
        """Measure what is asked for of faces with points `[F,K,2]`, each output `[F,...]`."""
        ways: dict[str, Callable[[], NDArray]] = {
            SHARPNESS.name: lambda: measure_sharpness(found, self.landmarks),
            BRIGHTNESS.name: lambda: measure_brightness(found, self.landmarks),
            EYE_DISTANCE.name: lambda: measure_eyes(find_five(self.landmarks, points)),
            INSIDE.name: lambda: measure_inside(found, self.landmarks),
        }
        arrays = {name: await run_aside(way) for name, way in ways.items() if name in self.names}
        if POSE.name in self.names:
            parts = [points[i : i + CHUNK] for i in range(0, max(1, len(points)), CHUNK)]
            poses = [await run_aside(estimate_poses, self.landmarks, part) for part in parts]
            arrays[POSE.name] = np.concatenate(poses)
        return arrays

    async def align(
        self,
        pool: WorkerPool,
        finder: FaceFinder,
        pictures: Sequence[bytes | Base64Text | Pixels],
        arrays: Mapping[str, NDArray],
        call: Call,
        timings: Timings,
    ) -> dict[str, NDArray]:
        """Align the faces of the answer, and cut them out of their pictures in the workers.

        `arrays` has their points and pictures. The bytes are claimed before they are computed.
        """
        if self.template is None:
            return {}
        side, owners = self.template.side, arrays[IMAGE_INDEX.name]
        five = find_five(self.landmarks, arrays[LANDMARKS.name])
        maps = fit_similarities(five, self.template.points)
        if ALIGNED.name not in self.names:
            return {ALIGNED_MAPS.name: maps}
        call.claim(3 * len(maps) * side**2)
        crops = np.empty((len(maps), side, side, 3), np.uint8)
        shown = np.unique(owners)
        cut = partial(self.cut, finder, pictures, owners, maps, timings, crops)
        await pool.run_all(cut, shown.tolist(), timings)
        return {ALIGNED_MAPS.name: maps, ALIGNED.name: crops}

    def cut(
        self,
        finder: FaceFinder,
        pictures: Sequence[bytes | Base64Text | Pixels],
        owners: NDArray,
        maps: Floats,
        timings: Timings,
        crops: NDArray[np.uint8],
        number: int,
    ) -> None:
        """Cut the faces of one picture out of it, into their rows of `crops`."""
        mine = owners == number
        with measure_stage(timings, Stage.CROP):
            picture = finder.open(pictures[number], 0, choose_reading(maps[mine]))
            crops[mine] = cut_aligned(picture, maps[mine], crops.shape[1])
