"""Cut faces as recognisers take them: python -m examples.recogniser_input PICTURE OUT.npy.

OUT has `[F,3,112,112]`, RGB in -1..1, eyes, nose and mouth where ArcFace's training had them. Which
network reads it, and whether its licence lets you, is yours to choose; this project has none.
"""

import sys

import numpy as np

from client import Client

picture, out = sys.argv[1:]
with Client() as client:
    faces = client.locate(picture, outputs=["aligned"], template="arcface112")
crops = [np.frombuffer(face.extras["aligned"], np.uint8) for face in faces]
pixels = np.array(crops, np.float32).reshape(-1, 112, 112, 3)  # [F,112,112,3], 0..255
np.save(out, ((pixels - 127.5) / 127.5).transpose(0, 3, 1, 2))
