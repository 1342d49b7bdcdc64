"""A multipart/form-data body: the one file in it, and its other fields."""

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from serving.errors import InvalidRequest

MAX_PARTS = 16


class FormReader:
    """Collects the parts of a form; header names and values come in pieces, too."""

    def __init__(self) -> None:
        self.parts: list[tuple[dict[bytes, bytes], list[bytes]]] = []  # options and content
        self.field = self.value = b""
        self.whole = False

    def list_callbacks(self) -> dict:
        return {
            "on_part_begin": self.begin_part,
            "on_header_field": self.add_field,
            "on_header_value": self.add_value,
            "on_header_end": self.end_header,
            "on_part_data": self.add_data,
            "on_end": self.end,
        }

    def begin_part(self) -> None:
        if len(self.parts) == MAX_PARTS:
            raise InvalidRequest(f"The form has more than {MAX_PARTS} parts.")
        self.parts.append(({}, []))

    def add_field(self, data: bytes, start: int, end: int) -> None:
        self.field += data[start:end]

    def add_value(self, data: bytes, start: int, end: int) -> None:
        self.value += data[start:end]

    def end_header(self) -> None:
        if self.field.lower() == b"content-disposition":
            self.parts[-1][0].update(parse_options_header(self.value)[1])
        self.field = self.value = b""

    def add_data(self, data: bytes, start: int, end: int) -> None:
        self.parts[-1][1].append(data[start:end])

    def end(self) -> None:
        self.whole = True


def read_form(body: bytes, media_type: str) -> tuple[bytes, list[tuple[str, str]]]:
    """Return the content of the form's file, and its other fields. Raises InvalidRequest."""
    reader = FormReader()
    try:
        boundary = parse_options_header(media_type)[1][b"boundary"]
        parser = MultipartParser(boundary, reader.list_callbacks())  # type: ignore[arg-type]
        parser.write(body)
    except (KeyError, FormParserError):
        raise InvalidRequest("The body is not a valid form.") from None
    if not reader.whole:
        raise InvalidRequest("The form is cut short.")
    files, fields = [], []
    for options, content in reader.parts:
        if b"filename" in options:
            files.append(b"".join(content))
        else:
            name = options.get(b"name", b"").decode(errors="replace")
            fields.append((name, b"".join(content).decode(errors="replace")))
    if len(files) != 1:
        raise InvalidRequest(f"A form needs exactly one file; there are {len(files)}.")
    return files[0], fields
