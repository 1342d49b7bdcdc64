"""Print the landmarks of a picture's faces: python -m client photo.jpg."""

import argparse
import json

from client.faces import Face, ServiceError
from client.locate import locate, locate_grpc, read_picture
from client.overlay import draw_overlay
from pictures import PictureError


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m client", description=__doc__)
    parser.add_argument("picture", help="JPEG, PNG or WebP file")
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="REST address")
    parser.add_argument("--grpc", metavar="HOST:PORT", help="ask over gRPC instead")
    parser.add_argument("--model", default="unet")
    parser.add_argument("--timeout", type=float, default=30.0, help="seconds")
    parser.add_argument("--header", action="append", default=[], metavar="NAME: VALUE")
    parser.add_argument("--overlay", metavar="PNG", help="draw the points into this file")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser.parse_args()


def print_table(faces: list[Face]) -> None:
    """Print a line a point."""
    print(f"{'face':>4}  {'point':<26}{'x':>9}{'y':>9}{'score':>7}")
    for number, face in enumerate(faces):
        for point in face.points:
            print(f"{number:>4}  {point.name:<26}{point.x:>9.2f}{point.y:>9.2f}{point.score:>7.2f}")
    print(f"{len(faces)} face{'' if len(faces) == 1 else 's'}")


def main() -> None:
    arguments = parse_arguments()
    headers = dict(text.partition(":")[::2] for text in arguments.header)
    try:
        picture = read_picture(arguments.picture)
        if arguments.grpc:
            faces = locate_grpc(picture, arguments.grpc, arguments.model, arguments.timeout)
        else:
            faces = locate(
                picture,
                arguments.url,
                arguments.model,
                arguments.timeout,
                {name: value.strip() for name, value in headers.items()},
            )
    except ServiceError as error:
        raise SystemExit(str(error)) from None
    if arguments.json:
        print(json.dumps([face.to_dict() for face in faces], indent=2))
    else:
        print_table(faces)
    if arguments.overlay:
        try:
            draw_overlay(picture, faces).save(arguments.overlay)
        except PictureError as error:
            raise SystemExit(f"No overlay: {error}.") from None


if __name__ == "__main__":
    main()
