"""A multipart/form-data body: the one file in it, and its other fields."""

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from serving.errors import InvalidRequest

MAX_PARTS = 16
Part = tuple[dict[bytes, bytes], list[bytes]]  # options of its disposition, and its content


def read_parts(body: bytes, media_type: str) -> list[Part]:
    """Read the parts of a form; a header's name and value come in pieces, as the content does."""
    parts, field, value, ends = list[Part](), bytearray(), bytearray(), list[bool]()

    def begin_part() -> None:
        if len(parts) == MAX_PARTS:
            raise InvalidRequest(f"The form has more than {MAX_PARTS} parts.")
        parts.append(({}, []))

    def end_header() -> None:
        if field.lower() == b"content-disposition":
            parts[-1][0].update(parse_options_header(bytes(value))[1])
        field.clear()
        value.clear()

    callbacks = {
        "on_part_begin": begin_part,
        "on_header_field": lambda data, start, end: field.extend(data[start:end]),
        "on_header_value": lambda data, start, end: value.extend(data[start:end]),
        "on_header_end": end_header,
        "on_part_data": lambda data, start, end: parts[-1][1].append(data[start:end]),
        "on_end": lambda: ends.append(True),
    }
    try:
        boundary = parse_options_header(media_type)[1][b"boundary"]
        MultipartParser(boundary, callbacks).write(body)  # type: ignore[arg-type]
    except (KeyError, FormParserError):
        raise InvalidRequest("The body is not a valid form.") from None
    if not ends:
        raise InvalidRequest("The form is cut short.")
    return parts


def read_form(body: bytes, media_type: str) -> tuple[bytes, list[tuple[str, str]]]:
    """Return the content of the form's file, and its other fields. Raises InvalidRequest."""
    files, fields = [], []
    for options, content in read_parts(body, media_type):
        if b"filename" in options:
            files.append(b"".join(content))
        else:
            name = options.get(b"name", b"").decode(errors="replace")
            fields.append((name, b"".join(content).decode(errors="replace")))
    if len(files) != 1:
        raise InvalidRequest(f"A form needs exactly one file; there are {len(files)}.")
    return files[0], fields
