"""Follow faces through a camera or a video: python -m examples.webcam [0 | VIDEO].

Needs opencv (`pip install opencv-python-headless`) beside the client.
"""

import sys

import cv2

from client import Client
from client.follow import Follower

source = sys.argv[1] if len(sys.argv) > 1 else "0"
video = cv2.VideoCapture(int(source) if source.isdigit() else source)
rate = video.get(cv2.CAP_PROP_FPS) or 30
with Client() as client:
    follower, frame_number = Follower(client), 0
    while True:
        there, frame = video.read()  # [H,W,3], blue first
        if not there:
            break
        picture = cv2.imencode(".jpg", frame)[1].tobytes()
        for number, face in follower.locate(picture, seconds=frame_number / rate).items():
            nose = face["nose_tip"]
            print(f"frame {frame_number} face {number} nose {nose.x:.1f} {nose.y:.1f}")
        frame_number += 1
