"""The command: one file, folders, stdin; what it prints, writes, draws, and how it ends."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from client.faces import Face, Point, ServiceError
from client.results_file import KINDS, CsvFile, JsonFile, NdjsonFile
from client.run import place_drawing
from tests.client.service import FACES, NAMES
from tools.processes import ROOT

FACE = Face((1.0, 2.0, 3.0, 4.0), 0.9, (Point("a", 1.0, 2.0, 0.5), Point("b", 3.0, 4.0, 0.5)))


def run(script, *arguments: str | Path, given: bytes = b"", code: int = 0):
    command = [sys.executable, "-m", "client", *map(str, arguments)]
    environment = os.environ | {"LANDMARKS_URL": script if isinstance(script, str) else script.url}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, input=given, capture_output=True, timeout=120
    )
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done.stdout.decode(), done.stderr.decode()


@pytest.fixture
def folder(tmp_path, astronaut) -> Path:
    """Faces, a picture without one, a bad one, and what is no picture, in folders."""
    contents = {
        "a.jpg": astronaut,
        "b.PNG": astronaut + b"none",
        "deep/c.webp": astronaut,
        "deep/bad.jpeg": b"bad",
        "notes.txt": b"face",
    }
    for name, content in contents.items():
        path = tmp_path / "folder" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "folder"


def test_one_file_and_its_exit_codes(script, folder):
    table, _ = run(script, folder / "a.jpg")
    assert NAMES[1] in table and table.endswith("1 face\n")
    assert json.loads(run(script, folder / "a.jpg", "--json")[0])[0]["score"] == 0.95
    assert run(script, folder / "b.PNG", code=1)[0].endswith("0 faces\n")
    assert (
        run(script, folder / "deep/bad.jpeg", code=2)[1] == "invalid_image: That is no picture.\n"
    )
    assert "unreadable" in run(script, folder / "nowhere.jpg", code=2)[1]
    assert "--url" in run("http://127.0.0.1:1", folder / "a.jpg", "--retries=0", code=2)[1]


def test_stdin_is_a_picture(script, astronaut, tmp_path):
    out, _ = run(script, "-", "--format=json", "--overlay-dir", tmp_path, given=astronaut)
    assert [entry["picture"] for entry in json.loads(out)] == ["-"]
    assert script.seen == [astronaut] and (tmp_path / "stdin.png").is_file()


@pytest.mark.parametrize("wrong", [["--json"], ["--overlay", "a.png"], ["--out", "a.txt"]])
def test_what_makes_no_sense_is_refused(script, folder, wrong):
    assert "usage:" in run(script, folder, *wrong, code=2)[1]
    assert script.seen == []


def test_a_folder_goes_on_past_bad_files_and_is_resumed(script, folder, tmp_path):
    out, drawn = tmp_path / "results.csv", folder / "drawn"
    _, said = run(script, folder, "--out", out, "--overlay-dir", drawn, code=2)
    assert "1 of 4 pictures failed:\ndeep/bad.jpeg: invalid_image" in said
    rows = list(csv.DictReader(io.StringIO(out.read_text())))
    names = [row["picture"] for row in rows]
    assert names == ["a.jpg", "a.jpg", "b.PNG", "deep/c.webp", "deep/c.webp"]
    assert sorted(p.relative_to(drawn).as_posix() for p in drawn.rglob("*.png")) == [
        "a.jpg.png",
        "b.PNG.png",
        "deep/c.webp.png",
    ]
    asked = len(script.seen)
    (folder / "deep/bad.jpeg").write_bytes((folder / "a.jpg").read_bytes())
    run(script, folder, "--out", out, "--overlay-dir", drawn)
    assert (
        len(script.seen) - asked == 2
    )  # what failed, and the last, of which rows might be missing
    assert {row["picture"] for row in csv.DictReader(io.StringIO(out.read_text()))} == {
        *names,
        "deep/bad.jpeg",
    }


@pytest.mark.parametrize("kind", ["csv", "json", "ndjson", "table"])
def test_a_folder_is_printed(script, folder, kind):
    (folder / "deep/bad.jpeg").unlink()
    out, _ = run(script, folder, "--format", kind)
    if kind == "json":
        assert [len(entry["faces"]) for entry in json.loads(out)] == [1, 0, 1]
    assert out.count(NAMES[0]) == 2


def test_a_service_that_is_gone_ends_the_run(folder, tmp_path):
    out = tmp_path / "results.ndjson"
    _, said = run("http://127.0.0.1:1", folder, "--out", out, "--retries=0", code=2)
    assert "1 of 4 pictures failed" in said and "LANDMARKS_URL" in said
    assert out.read_text() == ""


@pytest.mark.parametrize(
    ("status", "body", "hint"),
    [
        (404, b"404 page not found", "LANDMARKS_URL"),
        (200, {"hello": "world"}, "LANDMARKS_URL"),
        (401, {}, "--header 'Authorization"),
        (404, {"error": "There is none.", "code": "model_not_found"}, "--model"),
    ],
)
def test_another_service_ends_the_run_unless_ours_has_answered(
    script, folder, tmp_path, status, body, hint
):
    answer: tuple[int, object, dict[str, str]] = (status, body, {})
    script.queue = [answer] * 8
    _, said = run(script, folder, "--threads=1", code=2)
    assert "1 of 4 pictures failed" in said and hint in said.splitlines()[-1]
    script.queue = [(200, FACES, {}), answer]
    _, said = run(script, folder, "--threads=1", code=2)
    assert "2 of 4 pictures failed" in said and hint in said.splitlines()[-1]


def test_an_empty_folder_is_an_error(script, tmp_path):
    assert "no JPEG, PNG or WebP" in run(script, tmp_path, code=2)[1]


NAMED = ["a.jpg", 'b, "quoted".jpg', "line\nbreak.jpg", "caf\udce9.jpg", "none.jpg", "z.jpg"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_cut_anywhere_is_gone_on_with(kind, tmp_path):
    """Cut off after any byte, the file loses pictures but has none that is not whole."""
    path = tmp_path / f"results.{kind}"
    at = path.with_name(f"{path.name}.part") if kind == "json" else path

    def write() -> dict[str, int]:
        file = KINDS[kind](path)
        done = dict(file.done)
        for name in NAMED:
            if name not in file.done:
                file.add(name, [] if name == "none.jpg" else [FACE])
        file.close()
        return done

    file = KINDS[kind](path)
    for name in NAMED:
        file.add(name, [] if name == "none.jpg" else [FACE])
    file.file.close()  # as if killed
    whole = at.read_bytes()
    write()
    finished = path.read_bytes()
    for cut in range(0, len(whole), 7):
        path.unlink(missing_ok=True)
        at.write_bytes(whole[:cut])
        done = write()
        assert list(done) == NAMED[: len(done)], cut
        assert path.read_bytes() == finished, cut


@pytest.mark.parametrize("kind", [CsvFile, NdjsonFile, JsonFile])
def test_another_file_is_not_written_into(kind, tmp_path):
    path = tmp_path / "mine"
    for text in ("name,mail\nme,x\n", '{"mine": 1}\n', "words\n", "1\n", "my diary", "{x"):
        path.write_text(text)
        with pytest.raises(ServiceError, match="other things in it"):
            kind(path)
        assert path.read_text() == text and list(tmp_path.iterdir()) == [path]
    with pytest.raises(ServiceError, match="unwritable"):
        kind(tmp_path / "no/such/folder.csv")


@pytest.mark.parametrize("name", ["/abs/x.jpg", "../../x.jpg", "a/../../x.jpg"])
def test_drawings_stay_in_their_folder(name, tmp_path):
    assert tmp_path in place_drawing(tmp_path, name).resolve().parents
