"""Hold a converted network against its author's answers, and measure what its scores mean."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from predictor.convert.author import Author
from predictor.convert.faces import read_pixels
from predictor.convert.settle import Plan
from predictor.declaration import Check, DeclarationError, Trust
from predictor.decode import Floats
from predictor.engines.base import scale_faces
from predictor.resize import resize_faces, scale_points
from serving.faces import score_faces

KEPT = 32  # faces whose values are compared; of 300 they would take gigabytes
EXACT = 1e-3  # of the largest value: how far fp32 may be from the author's
ALIKE = 0.97  # correlation of int8 values with the author's below which int8 is not taken
UNSURE = 0.3  # median score of faces below which a declaration is doubted
DOUBT, LOW = (0.8, 0.75), (0.75, 0.7)  # share of what faces score, and the most


@dataclass(frozen=True, slots=True)
class Answers:
    """The author's answers to faces `[N,C,H,W]`."""

    faces: Floats
    values: Floats  # heatmaps [n,K,h,w] or coordinates [n,K,2|3] of the first KEPT
    points: Floats  # [N, K, 2] in pixels of the face
    scores: Floats  # [N, K]


def ask_author(author: Author, plan: Plan, faces: Floats, batch: int = 8) -> Answers:
    """Run the author's network on faces, some at a time."""
    step, kept, read = plan.batch or batch, [], []
    for i in range(0, len(faces), step):
        values = plan.finish(author.call(plan.prepare(faces[i : i + step])))
        read.append(plan.reader.read_points(values, plan.size))
        if i < KEPT:
            kept.append(values)
    points, scores = (np.concatenate(part) for part in zip(*read, strict=True))
    return Answers(faces, np.concatenate(kept)[:KEPT], points, scores)


def check_exact(values: Floats, answers: Answers) -> None:
    """Raise DeclarationError where values are further than EXACT from the author's."""
    if values.shape != answers.values.shape:
        ours, theirs = list(values.shape), list(answers.values.shape)
        raise DeclarationError(f"The converted network gives {ours}, its author's {theirs}.")
    largest = max(1e-6, float(np.abs(answers.values).max()))
    distance = float(np.abs(values - answers.values).max()) / largest
    if not distance <= EXACT:
        raise DeclarationError(
            f"The converted network differs from its author's by {distance:.2%} of the largest "
            f"value ({EXACT:.2%} is allowed): does it draw random numbers, or use halves?"
        )


def measure_moves(points: Floats, answers: Answers) -> dict[str, float]:
    """Measure how far points `[N,K,2]` lie from the author's, in pixels of the face."""
    moved = np.linalg.norm(points - answers.points, axis=2)
    return {
        "faces": len(moved),
        "pixels_mean": round(float(moved.mean()), 5),
        "pixels_p99": round(float(np.percentile(moved, 99)), 5),
        "pixels_max": round(float(moved.max()), 5),
    }


def measure_trust(declared: Trust, scores: Floats) -> tuple[float, float]:
    """Measure below which score a face is looked at again, and below which it is not trusted.

    Both are shares of what nearly all of the faces reach, at most the shipped network's.
    """
    reached = np.percentile(scores.mean(axis=1), 2), np.percentile(score_faces(scores), 2)
    pairs = zip((DOUBT, LOW), reached, strict=True)
    doubt, low = (round(min(most, share * float(value)), 3) for (share, most), value in pairs)
    doubt = doubt if declared.doubt is None else declared.doubt
    return doubt, low if declared.low is None else declared.low


def check_scores(scores: Floats, plan: Plan) -> str:
    """Return a sentence where the network is unsure of nearly every face, else ""."""
    median = float(np.median(score_faces(scores)))
    if (plan.reader.kind == "coordinates" and not plan.score) or median >= UNSURE:
        return ""
    return (
        f"The network is unsure of its points on faces (median score {median:.2f}): look at "
        "input.range, input.color, crop and output.values in model.json"
    )


def check_points(check: Check, author: Author, plan: Plan, root: Path) -> None:
    """Raise DeclarationError where the network's points lie too far from those of model.json."""
    path = root / check.face
    if not path.is_file():
        raise DeclarationError(f"There is no file {path}, which check.face names.")
    pixels = read_pixels(path, plan.channels)  # [H, W, C]
    face = scale_faces(resize_faces(pixels[None], plan.size, plan.channels))
    found = ask_author(author, plan, face).points  # [1, K, 2]
    if len(check.points) != found.shape[1]:
        raise DeclarationError(
            f"check.points has {len(check.points)} points, and the network gives {found.shape[1]}."
        )
    height, width, _ = pixels.shape
    wanted = scale_points(np.array([check.points], np.float32), (height, width), *plan.size)
    distance = float(np.linalg.norm(found - wanted, axis=2).max())
    if not distance <= check.tolerance:
        raise DeclarationError(
            f"On {check.face} the network's points lie up to {distance:.2f} pixels from "
            f"check.points ({check.tolerance:g} is allowed): look at input and output there."
        )
