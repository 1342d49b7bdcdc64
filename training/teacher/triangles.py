"""Write the triangles of MediaPipe's face mesh, its mouth and eyes closed by more of them.

TEACHER/bin/python -m training.teacher.triangles > training/turn/triangles.csv

The package lists edges alone: a triangle is three vertices with an edge between any two.
"""

from itertools import pairwise

from mediapipe.python.solutions import face_mesh_connections as mesh

# The inner rims of the holes that the edges leave, in order around each.
MOUTH = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95)
RIGHT = (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7)
LEFT = (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249)


def find_triangles() -> set[tuple[int, ...]]:
    """Find the triangles of the edges."""
    near: dict[int, set[int]] = {}
    for a, b in mesh.FACEMESH_TESSELATION:
        near.setdefault(a, set()).add(b)
        near.setdefault(b, set()).add(a)
    return {tuple(sorted((a, b, c))) for a in near for b in near[a] for c in near[a] & near[b]}


def close_rim(rim: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Close a hole by a strip that zigzags between its upper and its lower rim."""
    order, low, high = [rim[0]], 1, len(rim) - 1
    while low <= high:
        order.append(rim[low])
        if low < high:
            order.append(rim[high])
        low, high = low + 1, high - 1
    return [tuple(sorted(three)) for three in zip(order, order[1:], order[2:], strict=False)]


def follow_oval() -> list[int]:
    """Follow the face's outline from the top of the forehead around."""
    after = dict(mesh.FACEMESH_FACE_OVAL)
    oval = [10]
    while (nxt := after[oval[-1]]) != oval[0]:
        oval.append(nxt)
    return oval


def main() -> None:
    """Print part,a,b,c: a triangle a line, and the outline's edges as part `oval`."""
    print("part,a,b,c")
    holes = {"mouth": close_rim(MOUTH), "eye": close_rim(RIGHT) + close_rim(LEFT)}
    closed = {triangle for part in holes.values() for triangle in part}
    for triangle in sorted(find_triangles() - closed):
        print("skin", *triangle, sep=",")
    for part, triangles in holes.items():
        for triangle in triangles:
            print(part, *triangle, sep=",")
    oval = follow_oval()
    for a, b in pairwise([*oval, oval[0]]):
        print("oval", a, b, "", sep=",")


if __name__ == "__main__":
    main()
