"""JSON bodies that are larger in memory, or slower to read, than they look."""

import json
import random
from collections.abc import Callable

Body = tuple[str, bytes]

FILLERS: dict[str, Callable[[random.Random, int], str]] = {  # JSON values of about a given size
    "zeros": lambda r, n: "[" + ",".join(["0"] * (n // 2)) + "]",
    "pixels": lambda r, n: "[" + ",".join([str(r.randrange(256))] * (n // 4)) + "]",
    "floats": lambda r, n: "[" + ",".join(["1.5"] * (n // 4)) + "]",
    "long floats": lambda r, n: "[" + ",".join([f"0.{'3' * 200}"] * (n // 203)) + "]",
    "exponents": lambda r, n: "[" + ",".join(["1e400"] * (n // 6)) + "]",
    "huge integer": lambda r, n: f"[{'7' * (n - 2)}]",
    "huge integers": lambda r, n: "[" + ",".join(["-" + "9" * 5000] * (n // 5002)) + "]",
    "beyond 64 bits": lambda r, n: "[" + ",".join(["18446744073709551616"] * (n // 21)) + "]",
    "long text and empty ones": lambda r, n: (
        f'["{"x" * (n // 2)}"' + ',""' * r.choice([600, n // 6]) + "]"
    ),
    "short texts": lambda r, n: "[" + ",".join(['"ab"'] * (n // 5)) + "]",
    "empty texts": lambda r, n: "[" + ",".join(['""'] * (n // 3)) + "]",
    "wide text": lambda r, n: json.dumps(["x" * (n - 20) + "\N{GRINNING FACE}"]),
    "wide text as it is": lambda r, n: f'["{"x" * (n - 8)}\N{GRINNING FACE}"]',
    "escaped text": lambda r, n: f'["{chr(92)}u0041"' + f',"{chr(92)}u0041"' * (n // 9) + "]",
    "empty lists": lambda r, n: "[" + ",".join(["[]"] * (n // 3)) + "]",
    "short lists": lambda r, n: "[" + ",".join(["[1]"] * (n // 4)) + "]",
    "ragged lists": lambda r, n: "[" + ",".join(["[1,2]", "[3]"] * (n // 10)) + "]",
    "empty objects": lambda r, n: "[" + ",".join(["{}"] * (n // 3)) + "]",
    "one object": lambda r, n: "{" + ",".join(f'"{i}":0' for i in range(n // 9)) + "}",
    "the same key": lambda r, n: "{" + ",".join(['"k":0'] * (n // 6)) + "}",
    "long key": lambda r, n: f'{{"{"k" * (n - 6)}":0}}',
    "depth": lambda r, n: "[" * (n // 2) + "]" * (n // 2),
    "depth and a number": lambda r, n: "[" * min(n // 2, 900) + "1" + "]" * min(n // 2, 900),
    "depth of objects": lambda r, n: '{"a":' * (n // 6) + "1" + "}" * (n // 6),
    "truths": lambda r, n: "[" + ",".join(["true"] * (n // 5)) + "]",
    "nulls": lambda r, n: "[" + ",".join(["null"] * (n // 5)) + "]",
    "blanks": lambda r, n: "[" + " " * (n - 3) + "1]",
    "blanks between": lambda r, n: "[" + (",".join(["1" + " " * 40_000] * (n // 40_002))) + "]",
}
PLACES = ("data", "name", "datatype", "shape", "parameters", "id", "outputs", "inputs", "unknown")
DATATYPES = ("UINT8", "INT64", "UINT64", "FP32", "FP64", "BOOL", "BYTES", "FP16")


def make_json_body(r: random.Random, largest: int, filler: str = "", place: str = "") -> Body:
    """Make a body with one costly value somewhere; return its name and its bytes."""
    filler = filler or r.choice(list(FILLERS))
    place = place or r.choice(["data", *PLACES])
    size = r.choice([2_000, 70_000, 1_000_000, largest - 1000])
    value = FILLERS[filler](r, size)
    face = {
        "name": json.dumps(r.choice(["face", "image"])),
        "datatype": json.dumps(r.choice(DATATYPES)),
        "shape": json.dumps(r.choice([[1], [1, 1, 96, 96], [size], [2**30], [2**15] * 2, []])),
        "data": "[1]",
    }
    body: dict[str, str] = {}
    if place in ("id", "outputs", "inputs", "unknown"):
        body[place] = value
        if place == "outputs":  # a list of objects is what it may be
            body[place] = "[" + ",".join(['{"name":"x"}'] * (size // 13)) + "]"
    elif place == "parameters" and r.random() < 0.5:
        body[place] = value if value[0] == "{" else f'{{"p":{value}}}'
    else:
        face[place] = value
    if "inputs" not in body:
        body["inputs"] = f"[{write_object(face)}]"
        if r.random() < 0.1:
            body["inputs"] = "[" + ",".join(['{"name":""}'] * (size // 12)) + "]"
    return f"{filler} of {size} bytes as {place}", write_object(body).encode()


def write_object(members: dict[str, str]) -> str:
    """Write an object of values that are JSON already."""
    return "{" + ",".join(f'"{name}":{value}' for name, value in members.items()) + "}"
