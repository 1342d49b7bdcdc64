"""The command over object storage: every picture has its rows, also after it was killed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import fsspec
import pyarrow.parquet
import pytest

from client.__main__ import parse_arguments, run
from client.faces import ServiceError
from tests.support.environment import end
from tools.processes import ROOT

FOLDERS, FILES = 5, 300


def ask(script, *arguments: str) -> int:
    return run(parse_arguments([*arguments, "--url", script.url]))


@pytest.fixture
def bucket():
    """A bucket that is in memory: two pictures, one without faces, one that isn't one, a note."""
    files = fsspec.filesystem("memory")
    contents = {"a.jpg": b"1", "b/c.PNG": b"2", "none.jpg": b"none", "bad.jpg": b"bad"}
    for name, content in (contents | {"notes.txt": b""}).items():
        files.pipe_file(f"/bucket/{name}", content)
    yield files
    files.rm("/bucket", recursive=True)


@pytest.mark.parametrize("kind", ["ndjson", "parquet"])
def test_a_bucket_becomes_parts_with_a_row_for_each(script, bucket, capsys, kind):
    arguments = ("memory://bucket", "--out", f"memory://bucket/out.{kind}")
    assert ask(script, *arguments) == 0
    assert "1 pictures were refused" in capsys.readouterr().err
    (part,) = bucket.glob(f"/bucket/out.{kind}/*")
    if kind == "ndjson":
        rows = [json.loads(line) for line in bucket.cat_file(part).splitlines()]
        faces = {row["picture"]: len(row["faces"]) for row in rows}
        refused = [row["picture"] for row in rows if "invalid_image" in row.get("error", "")]
    else:
        with bucket.open(part) as file:
            rows = pyarrow.parquet.read_table(file).to_pylist()
        assert Counter(row["picture"] for row in rows)["a.jpg"] == 2  # points
        assert rows[0]["point"] and rows[0]["trusted"] is False
        faces = {row["picture"]: int(row["face"] is not None) for row in rows}
        refused = [row["picture"] for row in rows if "invalid_image" in (row["error"] or "")]
    assert faces == {"a.jpg": 1, "b/c.PNG": 1, "none.jpg": 0, "bad.jpg": 0}
    assert refused == ["bad.jpg"]
    seen = len(script.seen)
    assert ask(script, *arguments) == 0 and len(script.seen) == seen
    bucket.pipe_file("/bucket/new.jpg", b"3")
    assert ask(script, *arguments) == 0 and len(script.seen) == seen + 1
    assert len(bucket.glob(f"/bucket/out.{kind}/*")) == 2


def test_what_cannot_be_read_or_gone_on_with_is_said(script, bucket):
    for wrong in ("memory://nowhere", "nosuch://bucket", "memory://bucket/notes.txt"):
        with pytest.raises(ServiceError, match=wrong.split(":")[0]):
            ask(script, wrong)
    bucket.pipe_file("/bucket/other.ndjson/part-000000.ndjson", b"{}\n")
    with pytest.raises(ServiceError, match="cannot be gone on with"):
        ask(script, "memory://bucket", "--out", "memory://bucket/other.ndjson")
    with pytest.raises(SystemExit):
        parse_arguments(["memory://bucket", "--out", "memory://bucket/out.csv"])


def test_no_row_is_lost_where_it_is_killed_in_the_middle(script, tmp_path):
    photos = tmp_path / "photos"
    for folder in range(FOLDERS):
        (photos / f"{folder}").mkdir(parents=True)
        for number in range(FILES):
            (photos / f"{folder}/{number}.jpg").write_bytes(b"%d" % number)
    out = tmp_path / "faces.ndjson"
    command = [sys.executable, "-m", "client", photos.as_uri(), "--out", out.as_uri()]
    command += ["--url", script.url, "--threads", "8"]
    first = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    latest = time.monotonic() + 60
    while not (out / "part-000000.ndjson").exists() or len(script.seen) < 1200:
        assert first.poll() is None and time.monotonic() < latest
        time.sleep(0.01)
    os.kill(first.pid, signal.SIGKILL)
    _, told = first.communicate()
    assert "1000 of 1500 pictures, " in told
    assert count_rows(out).total() < 1500
    done = end(*command)
    assert done.returncode == 0 and " of 1500 are done." in done.stderr, done.stderr
    rows = count_rows(out)
    assert len(rows) == rows.total() == FOLDERS * FILES


def count_rows(folder: Path) -> Counter:
    lines = (line for path in folder.glob("part-*.ndjson") for line in path.open())
    return Counter(json.loads(line)["picture"] for line in lines)
