"""What a request may ask for beyond points: read at once, and computed where it is asked for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from serving import contract as spec
from serving.aside import run_aside
from serving.landmarks import LandmarkSet
from serving.messages import Call
from serving.telemetry.stages import Stage, Timings, measure_stage
from transformer.crops.crop import Floats
from transformer.faces import DetectedFaces, FaceFinder
from transformer.outputs import aligned, quality
from transformer.outputs.five import find_five, weigh_five
from transformer.outputs.pose import choose_points, estimate_poses
from transformer.pictures.base64_text import Given
from transformer.pool import WorkerPool

CROPS = (spec.ALIGNED, spec.ALIGNED_MAPS)
MEASURES = (spec.POSE, spec.SHARPNESS, spec.BRIGHTNESS, spec.EYE_DISTANCE, spec.INSIDE)
EXTRAS = (*CROPS, *MEASURES)
CHUNK = 64  # poses, 12 ms, between which others' long bodies have their turn


@dataclass(frozen=True, slots=True)
class Extras:
    """What a request asks for beyond points, of a network with this landmark set."""

    names: frozenset[str]
    landmarks: LandmarkSet
    template: aligned.Template | None  # where aligned crops or their affines are asked for

    @classmethod
    def read(
        cls, names: Sequence[str], parameters: Mapping[str, object], landmarks: LandmarkSet
    ) -> "Extras":
        """Read it; raises InvalidRequest with what is accepted, or what the set lacks."""
        asked = frozenset(names)
        cut = asked & {crop.name for crop in CROPS}
        if cut or spec.EYE_DISTANCE.name in asked:
            weigh_five(landmarks)
        if spec.POSE.name in asked:
            choose_points(landmarks)
        return cls(asked, landmarks, aligned.read_template(parameters) if cut else None)

    async def measure(self, found: Sequence[DetectedFaces], points: Floats) -> dict[str, NDArray]:
        """Measure what is asked for of faces with points `[F,K,2]`, each output `[F,...]`."""
        ways: dict[str, Callable[[], NDArray]] = {
            spec.SHARPNESS.name: lambda: quality.measure_sharpness(found, self.landmarks),
            spec.BRIGHTNESS.name: lambda: quality.measure_brightness(found, self.landmarks),
            spec.EYE_DISTANCE.name: lambda: quality.measure_eyes(find_five(self.landmarks, points)),
            spec.INSIDE.name: lambda: quality.measure_inside(found, self.landmarks),
        }
        arrays = {name: await run_aside(way) for name, way in ways.items() if name in self.names}
        if spec.POSE.name in self.names:
            parts = [points[i : i + CHUNK] for i in range(0, max(1, len(points)), CHUNK)]
            poses = [await run_aside(estimate_poses, self.landmarks, part) for part in parts]
            arrays[spec.POSE.name] = np.concatenate(poses)
        return arrays

    async def align(
        self,
        pool: WorkerPool,
        finder: FaceFinder,
        pictures: Sequence[Given],
        arrays: Mapping[str, NDArray],
        call: Call,
        timings: Timings,
    ) -> dict[str, NDArray]:
        """Align the faces of the answer, and cut them out of their pictures in the workers.

        `arrays` has their points and pictures. The bytes are claimed before they are computed.
        """
        if self.template is None:
            return {}
        side, owners = self.template.side, arrays[spec.IMAGE_INDEX.name]
        five = find_five(self.landmarks, arrays[spec.LANDMARKS.name])
        maps = aligned.fit_similarities(five, self.template.points)
        if spec.ALIGNED.name not in self.names:
            return {spec.ALIGNED_MAPS.name: maps}
        call.claim(3 * len(maps) * side**2)
        crops = np.empty((len(maps), side, side, 3), np.uint8)

        def cut(number: int) -> None:  # the faces of one picture, into their rows
            mine = owners == number
            with measure_stage(timings, Stage.CROP):
                picture = finder.open(pictures[number], 0, aligned.choose_reading(maps[mine]))
                crops[mine] = aligned.cut_aligned(picture, maps[mine], side)

        await pool.run_all(cut, np.unique(owners).tolist(), timings)
        return {spec.ALIGNED_MAPS.name: maps, spec.ALIGNED.name: crops}
