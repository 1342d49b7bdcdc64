"""One picture to the crops of its faces: decode, detect, crop, in a worker's thread."""

import threading
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from serving.errors import OutOfMemory
from serving.faces import Square
from serving.landmarks import LandmarkSet
from serving.telemetry.stages import Stage, Timings, measure_stage
from transformer.crops.crop import Floats, choose_scale, crop_faces
from transformer.crops.looks import Look
from transformer.detectors import DetectorError, find_detector, load_detector
from transformer.detectors.base import Detector
from transformer.detectors.scales import LEVELS
from transformer.detectors.way_up import find_faces
from transformer.inputs.boxes import BoxedPicture
from transformer.inputs.choices import NO_CHOICES, Choices
from transformer.pictures.base64_text import Base64Text, Given
from transformer.pictures.picture import Picture, Pixels, check_size, open_picture
from transformer.settings import TransformerSettings


@dataclass(slots=True)
class DetectedFaces:
    """The faces of one picture, in the order that the request wants."""

    boxes: Floats  # [F, 4], x0 y0 x1 y1 in pixels of the picture
    scores: Floats  # [F]
    turns: NDArray[np.int16]  # [F], quarters by which each crop was turned to be upright
    squares: list[Square]  # what was cropped, [F]
    crops: NDArray[np.uint8]  # [F, C, S, S]
    left_out: int = 0  # faces that were found beyond the number that is answered
    size: tuple[int, int] = (0, 0)  # width and height of the picture
    timings: Timings = field(default_factory=dict)
    leans: Floats | None = None  # [F], degrees by which each crop is rotated then; None: by none
    rows: NDArray[np.intp] | None = None  # [F], of the frame before's faces; None: it has none

    def keep(self, kept: NDArray[np.intp]) -> None:
        """Keep the faces of these numbers alone."""
        self.boxes, self.scores, self.turns = self.boxes[kept], self.scores[kept], self.turns[kept]
        self.squares, self.crops = [self.squares[i] for i in kept], self.crops[kept]
        self.leans = None if self.leans is None else self.leans[kept]

    def list_looks(self) -> list[Look]:
        """List the crops as the network shall see them."""
        leans = np.zeros(len(self.crops)) if self.leans is None else self.leans
        turned = zip(self.crops, self.turns, strict=True)
        looks = zip((Look.first(crop, int(turn)) for crop, turn in turned), leans, strict=True)
        return [look.rotate(float(lean)) if lean else look for look, lean in looks]


class FaceFinder:
    """Finds and crops the faces of pictures; each thread has a detector of its own."""

    def __init__(self, settings: TransformerSettings):
        self.settings = settings
        self.path = find_detector(settings.detector)
        self.local = threading.local()
        self.first = self.load()  # now: a broken file shall fail at start
        self.spare = [self.first]  # for the first thread that asks

    @property
    def detector(self) -> Detector:
        if not hasattr(self.local, "detector"):
            try:
                self.local.detector = self.spare.pop()
            except IndexError:
                try:
                    self.local.detector = self.load()
                except DetectorError as error:  # the file is good: it is want of room
                    raise OutOfMemory() from error
        return self.local.detector

    def load(self) -> Detector:
        return load_detector(self.path, self.settings.min_score)

    def detect_faces(
        self, content: Given, landmarks: LandmarkSet, choices: Choices = NO_CHOICES
    ) -> DetectedFaces:
        """Find the faces of one picture, given as a file or as pixels `[H,W,3]`.

        They are cropped as a network of this landmark set takes them. Raises InvalidImage
        or TooLarge.
        """
        timings: Timings = {}
        with measure_stage(timings, Stage.DECODE):
            picture = self.open(content, LEVELS[choices.detect].side)
        with measure_stage(timings, Stage.DETECT):
            found = find_faces(self.detector, picture, choices, self.settings)
        found = found.select(choices.find_large(found.corners, picture.size))
        chosen = choices.choose(found.corners, found.scores)
        left_out = len(found) - len(chosen)
        found = found.select(chosen)
        pixels, scale = picture.small, picture.scale
        if (finer := choose_scale(found.corners, landmarks)) < scale:
            with measure_stage(timings, Stage.DECODE):
                pixels, scale = picture.read(finer, name_colours(landmarks))
        shown = pixels, scale
        faces = cut_faces(picture, shown, found.corners, found.turns, landmarks, timings)
        faces.scores, faces.left_out = found.scores, left_out
        return faces

    def crop_boxes(self, given: BoxedPicture, landmarks: LandmarkSet) -> DetectedFaces:
        """Crop a caller's boxes, of score 1; raises InvalidImage, InvalidTensor or TooLarge."""
        timings: Timings = {}
        with measure_stage(timings, Stage.DECODE):
            scale = choose_scale(given.boxes, landmarks)
            picture = self.open(given.content, 0, scale, name_colours(landmarks))
        given.check(picture.width, picture.height, landmarks, self.settings.max_pixels)
        turns = np.zeros(len(given.boxes), np.int16)
        shown = picture.small, picture.scale
        return cut_faces(picture, shown, given.boxes, turns, landmarks, timings)

    def open(self, content: Given, side: int, scale: int = 0, colours: str = "RGB") -> Picture:
        """Decode a picture as open_picture does, within the settings."""
        if isinstance(content, Base64Text):
            content = content.decode()
        if isinstance(content, bytes):
            return open_picture(content, self.settings.max_pixels, side, scale, colours)
        check_size(content.shape[1], content.shape[0], self.settings.max_pixels)
        return Picture.of_pixels(content)


def cut_faces(
    picture: Picture,
    shown: tuple[Pixels, int],
    boxes: Floats,
    turns: NDArray[np.int16],
    landmarks: LandmarkSet,
    timings: Timings,
) -> DetectedFaces:
    """Crop the faces in boxes `[F,4]` of a picture, of score 1, out of its pixels at a scale."""
    with measure_stage(timings, Stage.CROP):
        squares, crops = crop_faces(picture, *shown, boxes, turns, landmarks)
    scores, clipped = np.ones(len(boxes), np.float32), clip_boxes(boxes, picture)
    return DetectedFaces(clipped, scores, turns, squares, crops, 0, picture.size, timings)


def name_colours(landmarks: LandmarkSet) -> str:
    """Name the colours in which a picture's pixels are cropped for a network."""
    return "GRAY" if landmarks.color == "grey" else "RGB"


def clip_boxes(boxes: Floats, picture: Picture) -> Floats:
    """Clip boxes `[F,4]` to their picture."""
    return np.clip(boxes, 0, np.array([picture.width, picture.height] * 2, np.float32))


def keep_best(found: list[DetectedFaces], most: int) -> None:
    """Leave out the weakest faces of a request's pictures where they are more than may be."""
    scores = np.concatenate([faces.scores for faces in found])
    if len(scores) > most:
        kept = np.zeros(len(scores), np.bool_)
        kept[np.argsort(-scores, kind="stable")[:most]] = True
        ends = np.cumsum([len(faces.scores) for faces in found])[:-1]
        for faces, mine in zip(found, np.split(kept, ends), strict=True):
            faces.keep(np.flatnonzero(mine))
            faces.left_out += int((~mine).sum())


def find_borne_out(found: list[DetectedFaces], trust: Floats, low: float) -> NDArray[np.bool_]:
    """Find the faces that are there by the trust `[F]` in their points: turned ones need it.

    Looking in all ways up, the detector takes elbows and saw blades for faces three times as often.
    """
    return (np.concatenate([faces.turns for faces in found]) == 0) | (trust >= low)


def doubt_unseen(scores: Floats, points: Floats, found: list[DetectedFaces]) -> Floats:
    """Halve the scores `[F,K]` of points `[F,K,2]` beyond their pictures: nothing shows them."""
    sizes = np.repeat([faces.size for faces in found], [len(f.squares) for f in found], axis=0)
    beyond = (points < -0.5) | (points > sizes[:, None] - 0.5)  # [F, K, 2]
    return np.where(beyond.any(axis=-1), scores / 2, scores)
