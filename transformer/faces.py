"""One picture to the crops of its faces: decode, detect, crop, in a worker's thread."""

import threading
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pictures.read import Pixels
from serving.errors import TooLarge
from serving.landmarks import LandmarkSet
from serving.telemetry.stages import Stage, Timings, measure_stage
from transformer.base64_text import Base64Text
from transformer.crop import Floats, Square, crop_face, place_square
from transformer.detectors import find_detector, load_detector
from transformer.detectors.base import Detector
from transformer.picture import Picture, open_picture
from transformer.settings import TransformerSettings
from transformer.way_up import find_faces
from transformer.detectors.views import Source


@dataclass(slots=True)
class DetectedFaces:
    """The faces of one picture, the best-scored first."""

    boxes: Floats  # [F, 4], x0 y0 x1 y1 in pixels of the picture
    scores: Floats  # [F]
    squares: list[Square]  # what was cropped, [F]
    crops: NDArray[np.uint8]  # [F, 1, S, S]
    timings: Timings = field(default_factory=dict)
    turns: NDArray[np.int16] = field(default_factory=lambda: np.zeros(0, np.int16))
    # [F], quarters by which each crop was turned to show its face upright


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
                self.local.detector = self.load()
        return self.local.detector

    def load(self) -> Detector:
        return load_detector(self.path, self.settings.min_score)

    def detect_faces(
        self, content: bytes | Base64Text | Pixels, landmarks: LandmarkSet, level: str
    ) -> DetectedFaces:
        """Find the faces of one picture, given as a file or as pixels `[H,W,3]`.

        They are cropped as a network of this landmark set takes them. Raises InvalidImage
        or TooLarge.
        """
        timings: Timings = {}
        with measure_stage(timings, Stage.DECODE):
            picture = self.open(content, 640)
        def read(pixels):
            if picture.scale==1 or picture.small.shape[0]*picture.small.shape[1]>=pixels: return picture.small
            f = picture.decode_full()
            return f if f.ndim==3 else np.repeat(f[:,:,None],3,2)
        source = Source(picture.width, picture.height, read)
        with measure_stage(timings, Stage.DETECT):
            found = find_faces(
                self.detector, source, level, self.settings.detect_budget, self.settings.any_way_up
            )
            boxes = found.corners
        full = picture.small
        if len(boxes) and picture.scale > 1:
            with measure_stage(timings, Stage.DECODE):
                full = picture.decode_full()
        with measure_stage(timings, Stage.CROP):
            squares = [place_square(box, landmarks.crop_scale) for box in boxes]
            side = landmarks.side
            crops = np.empty((len(boxes), 1, side, side), np.uint8)
            for i, square in enumerate(squares):
                crops[i, 0] = np.rot90(crop_face(full, square, side), int(found.turns[i]))
        size = np.array([picture.width, picture.height] * 2, np.float32)
        return DetectedFaces(np.clip(boxes, 0, size), found.scores, squares, crops, timings, found.turns)

    def open(self, content: bytes | Base64Text | Pixels, side: int) -> Picture:
        """Decode a picture with at least `side` pixels of its long side, where it has them."""
        if isinstance(content, Base64Text):
            content = content.decode()
        if isinstance(content, bytes):
            return open_picture(content, self.settings.max_pixels, side)
        if content.shape[0] * content.shape[1] > self.settings.max_pixels:
            raise TooLarge(f"The picture has more than {self.settings.max_pixels} pixels.")
        return Picture.of_pixels(content)
