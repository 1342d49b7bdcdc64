"""Run MediaPipe's face mesh on a region of a picture, without its own detector.

That detector misses small and turned faces; the service's own does not, so its box is
where the mesh starts, and the mesh found is where it looks again.
"""

import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from training.index import Bytes, DataError, Floats
from training.teacher.regions import Region, surround_mesh

ROUNDS = 3
TRIES = (1.0, 0.8, 1.25)  # sizes of the first look
GRAPH = """
input_stream: "image"
input_stream: "region"
output_stream: "landmarks"
node {
  calculator: "ConstantSidePacketCalculator"
  output_side_packet: "PACKET:attention"
  node_options: { [type.googleapis.com/mediapipe.ConstantSidePacketCalculatorOptions]: {
    packet { bool_value: true } } }
}
node {
  calculator: "FaceLandmarkCpu"
  input_stream: "IMAGE:image"
  input_stream: "ROI:region"
  input_side_packet: "WITH_ATTENTION:attention"
  output_stream: "LANDMARKS:landmarks"
}
"""


# Later releases carry no model in the package, and other models would need another mapping.csv.
REQUIREMENTS = Path(__file__).with_name("requirements.txt")


def check_version(found: str | None) -> None:
    """Raise DataError unless `found` is the release of mediapipe that requirements.txt pins."""
    lines = REQUIREMENTS.read_text().splitlines()
    wanted = next(
        line.split("==")[1].split()[0] for line in lines if line.startswith("mediapipe==")
    )
    if found != wanted:
        has = f"has mediapipe {found}" if found else "has no mediapipe"
        raise DataError(
            f"This environment {has}, and the teacher needs {wanted}: "
            "`make teacher` sets up one of its own."
        )


def find_version() -> str | None:
    """Find the installed release of mediapipe, None where there is none."""
    try:
        return version("mediapipe")
    except PackageNotFoundError:
        return None


class FaceMesh:
    """The mesh's network in a graph of its own."""

    def __init__(self) -> None:
        check_version(find_version())
        os.environ.setdefault("GLOG_minloglevel", "2")
        import mediapipe
        from google.protobuf import text_format
        from mediapipe.framework import calculator_pb2
        from mediapipe.framework.formats import rect_pb2
        from mediapipe.python import packet_creator, packet_getter
        from mediapipe.python._framework_bindings import calculator_graph, resource_util

        resource_util.set_resource_dir(str(Path(mediapipe.__file__).parent.parent))
        self.format = mediapipe.ImageFormat.SRGB
        self.packets, self.rect = packet_creator, rect_pb2.NormalizedRect
        config = text_format.Parse(GRAPH, calculator_pb2.CalculatorGraphConfig())
        self.graph = calculator_graph.CalculatorGraph(graph_config=config)
        self.found: list[Any] = []
        self.clock = 0
        self.graph.observe_output_stream(
            "landmarks", lambda _, packet: self.found.append(packet_getter.get_proto(packet))
        )
        self.graph.start_run()

    def look(self, picture: Bytes, region: Region) -> Floats | None:
        """Look once: vertices `[478,3]` in pixels of an RGB picture, or None for no face."""
        height, width = picture.shape[:2]
        self.found.clear()
        self.clock += 1
        frame = self.packets.create_image_frame(
            np.ascontiguousarray(picture), image_format=self.format
        )
        rect = self.rect(
            x_center=(region.x + 0.5) / width,
            y_center=(region.y + 0.5) / height,
            width=region.side / width,
            height=region.side / height,
            rotation=region.angle,
        )
        self.graph.add_packet_to_input_stream("image", frame.at(self.clock))
        packet = self.packets.create_proto(rect).at(self.clock)
        self.graph.add_packet_to_input_stream("region", packet)
        self.graph.wait_until_idle()
        if not self.found:
            return None
        at = np.array([[v.x, v.y, v.z] for v in self.found[0].landmark])
        return at * [width, height, width] - [0.5, 0.5, 0]  # the first pixel's centre is (0, 0)

    def find(self, picture: Bytes, start: Region) -> Floats | None:
        """Find the mesh from a first region on, looking again where it was found."""
        looks = (self.look(picture, start.scale(size)) for size in TRIES)
        mesh = next((seen for seen in looks if seen is not None), None)
        for _ in range(ROUNDS - 1):
            if mesh is None:
                return None
            again = self.look(picture, surround_mesh(mesh))
            if again is None:
                return mesh
            mesh = again
        return mesh
