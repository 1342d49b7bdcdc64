"""What is asked about a picture, as the body of a request, and what an answer has in it."""

import json
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .faces import USUAL

Box = Sequence[float]  # x0, y0, x1, y1 in pixels of the upright picture
JSON_LENGTH = "inference-header-content-length"


@dataclass(frozen=True, slots=True)
class Asked:
    """A picture's bytes, and what is asked about it beyond its faces' points."""

    content: bytes = field(repr=False)
    choices: Mapping[str, Any] = field(default_factory=dict)  # the service's parameters
    boxes: Sequence[Box] | None = None  # instead of a search for faces
    outputs: Sequence[str] = ()  # beyond the usual ones
    previous: Sequence[Sequence[tuple[float, float]]] = ()  # points of the frame before's faces

    def write(self) -> tuple[bytes, dict[str, str], Mapping[str, Any]]:
        """Write body, headers and query: the picture as it is, or raw tensors behind JSON."""
        if self.boxes is None and not self.outputs and not self.previous:
            # The service looks at a picture's bytes, whatever its type is said to be.
            return self.content, {"content-type": "image/jpeg"}, self.choices
        tensors = {"image": ("BYTES", [1], struct.pack("<I", len(self.content)) + self.content)}
        if self.boxes is not None:
            raw = pack(value for box in self.boxes for value in box)
            tensors["boxes"] = ("FP32", [len(self.boxes), 4], raw)
        if self.previous:
            raw = pack(value for face in self.previous for place in face for value in place)
            shape = [len(self.previous), len(self.previous[0]), 2]
            tensors["previous"] = ("FP32", shape, raw)
        inputs = [
            {"name": name, "datatype": datatype, "shape": shape}
            | {"parameters": {"binary_data_size": len(raw)}}
            for name, (datatype, shape, raw) in tensors.items()
        ]
        outputs = [
            {"name": name, "parameters": {"binary_data": name == "aligned"}}
            for name in ((*USUAL, *self.outputs) if self.outputs else ())
        ]
        asked = {"inputs": inputs, "outputs": outputs, "parameters": dict(self.choices)}
        head = json.dumps(asked).encode()
        headers = {"content-type": "application/octet-stream", JSON_LENGTH: str(len(head))}
        return b"".join([head, *(raw for *_, raw in tensors.values())]), headers, {}


def pack(numbers: Iterable[float]) -> bytes:
    """Pack numbers as FP32, little endian."""
    values = [float(number) for number in numbers]
    return struct.pack(f"<{len(values)}f", *values)


def read_outputs(content: bytes, json_length: str | None) -> dict[str, dict[str, Any]]:
    """Read an answer's outputs by name, each with `data`: a list, or bytes of a raw one.

    Raises KeyError, ValueError or TypeError where it is not such an answer.
    """
    start = int(json_length) if json_length is not None else len(content)
    outputs = {each["name"]: each for each in json.loads(content[:start])["outputs"]}
    for output in outputs.values():
        if "data" not in output:
            end = start + output["parameters"]["binary_data_size"]
            output["data"], start = content[start:end], end
    return outputs
