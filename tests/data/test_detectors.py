"""The detector as it ships loses no face that the same network finds in fp32 through OpenCV."""

import os
from pathlib import Path

import numpy as np

from bench.detector.opencv import OPENCV
from bench.detector.pictures import Counts, compare, read_sets
from transformer.detectors import find_detector, find_kind, load_detector


def test_no_face_is_lost_and_boxes_stay(data):
    named = os.environ.get("LANDMARKS_DETECTOR")
    path = find_detector(Path(named) if named else None)
    kind = OPENCV[find_kind(path).name]
    ours, theirs = load_detector(path, 640), kind(path, 640, kind.min_score)
    counts = Counts()
    for pictures in read_sets(data, eyes=(30, 12)).values():
        for picture in pictures:
            compare(ours.detect(picture)[0], theirs.detect(picture)[0], counts)
    print(f"{counts.found} of {counts.faces}, {counts.extra} more, {np.mean(counts.overlaps):.4f}")
    assert counts.found == counts.faces > 100
    assert counts.extra <= 0.03 * counts.faces
    assert np.mean(counts.overlaps) >= 0.98
