"""The command: one file, folders, stdin; what it prints, writes, draws, and how it ends."""

import csv
import io
import json
import os
from pathlib import Path

import pytest

from client.faces import Face, Point, Result, ServiceError
from client.output import ResultsFile
from client.run import place_drawing
from tests.client.conftest import DRAWN, FACES, NAMES, Answer
from tests.support.environment import end

POINTS = (Point("a", 1.0, 2.0, 0.5), Point("b", 3.0, 4.0, 0.5))
FACE = Face((1.0, 2.0, 3.0, 4.0), 0.9, POINTS, 0.8, True)


def run(script, *arguments: str | Path, given: bytes = b"", code: int = 0):
    environment = os.environ | {"LANDMARKS_URL": script if isinstance(script, str) else script.url}
    words = ("python", "-m", "client", *arguments)
    done = end(*words, env=environment, input=given, text=False)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done.stdout.decode(), done.stderr.decode()


@pytest.fixture
def folder(tmp_path, astronaut) -> Path:
    """Faces, a picture without one, a bad one, and what is not a picture, in folders."""
    contents = {
        "a.jpg": astronaut,
        "b.PNG": astronaut + b"none",
        "deep/c.jfif": astronaut,
        "deep/bad": b"\x89PNG bad",
        "deep/IMG_1.HEIC": b"not really",
        "notes.txt": b"face",
    }
    for name, content in contents.items():
        path = tmp_path / "folder" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "folder"


def test_one_file_and_its_exit_codes(script, folder):
    table, _ = run(script, folder / "a.jpg")
    assert NAMES[1] in table and "1 face, 1 of them not to be trusted" in table
    entry = json.loads(run(script, folder / "a.jpg", "--json", "--min-score=0.5")[0])
    assert script.paths[-1].endswith("/infer?min_score=0.5")
    assert (entry["faces"][0]["box_score"], entry["faces"][0]["face_score"]) == (0.95, 0.85)
    assert run(script, folder / "b.PNG", code=1)[0].endswith("0 faces\n")
    assert "invalid_image: That is no picture." in run(script, folder / "deep/bad", code=2)[1]
    assert "unreadable" in run(script, folder / "nowhere.jpg", code=2)[1]
    assert "--url" in run("http://127.0.0.1:1", folder / "a.jpg", "--retries=0", code=2)[1]


def test_stdin_is_a_picture(script, astronaut, tmp_path):
    out, _ = run(script, "-", "--json", "--overlay-dir", tmp_path, given=astronaut)
    assert json.loads(out)["picture"] == "-" and script.seen == [astronaut]
    assert (tmp_path / "stdin.png").read_bytes() == DRAWN + astronaut


WRONG = ["--overlay=a.png", "--out=a.txt", "--threads=0", "--outputs=pose", "--box=1,2"]
WRONG += ["--shrink --aligned=faces"]


@pytest.mark.parametrize("wrong", WRONG)
def test_what_makes_no_sense_is_refused(script, folder, wrong):
    assert "usage:" in run(script, folder, *wrong.split(), code=2)[1]
    assert script.seen == []


def test_a_folder_is_judged_by_content_and_what_is_left_out_is_listed(script, folder):
    heic = folder / "real.heic"
    heic.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1")  # the service says what it thinks
    out, said = run(script, folder, "--json", code=2)
    names = [json.loads(line)["picture"] for line in out.splitlines()]
    assert names == ["a.jpg", "b.PNG", "deep/c.jfif", "real.heic"]
    assert "2 files are not pictures and were left out (1 .HEIC, 1 .txt): " in said
    assert f": {folder}/deep/IMG_1.HEIC, {folder}/notes.txt\n" in said


def test_a_folder_goes_on_past_bad_files_and_is_resumed(script, folder, tmp_path):
    out, drawn = folder / "results.csv", folder / "drawn"
    _, said = run(script, folder, "--out", out, "--overlay-dir", drawn, code=2)
    assert "1 of 4 pictures failed:\ndeep/bad: invalid_image" in said
    rows = list(csv.DictReader(io.StringIO(out.read_text())))
    names = [row["picture"] for row in rows]
    assert names == ["a.jpg", "a.jpg", "b.PNG", "deep/c.jfif", "deep/c.jfif"]
    drawings = [path.name for path in sorted(drawn.rglob("*.png"))]
    assert drawings == ["a.jpg.png", "b.PNG.png", "c.jfif.png"]
    asked = len(script.seen)
    (folder / "deep/bad").write_bytes((folder / "a.jpg").read_bytes())
    _, said = run(script, folder, "--out", out, "--overlay-dir", drawn)
    assert len(script.seen) - asked == 2  # what failed, and the last: it might lack rows
    assert "2 files are not pictures" in said  # neither the drawings nor the results
    rows = list(csv.DictReader(io.StringIO(out.read_text())))
    assert {row["picture"] for row in rows} == {*names, "deep/bad"} and len(rows) == 7


@pytest.mark.parametrize("kind", ["csv", "ndjson", "table"])
def test_a_folder_is_printed(script, folder, kind):
    (folder / "deep/bad").unlink()
    out, _ = run(script, folder, "--format", kind)
    assert out.count(NAMES[0]) == 2


def test_a_service_that_is_gone_or_a_folder_without_pictures_ends_the_run(folder, tmp_path):
    (tmp_path / "none").mkdir()
    (tmp_path / "none/a.jpg").write_bytes(b"<html>")
    said = run("http://127.0.0.1:1", tmp_path / "none", code=2)[1]
    assert "has no picture in it. 1 file is not" in said
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
def test_another_service_ends_the_run_unless_ours_has_answered(script, folder, status, body, hint):
    answer: Answer = (status, body, {})
    script.queue = [answer] * 8
    _, said = run(script, folder, "--threads=1", code=2)
    assert "1 of 4 pictures failed" in said and hint in said.splitlines()[-1]
    script.queue = [(200, FACES, {}), answer]
    _, said = run(script, folder, "--threads=1", code=2)
    assert "2 of 4 pictures failed" in said and hint in said.splitlines()[-1]


NAMED = ["a.jpg", 'b, "quoted".jpg', "line\nbreak.jpg", "caf\udce9.jpg", "none.jpg", "z.jpg"]


@pytest.mark.parametrize("kind", ["csv", "ndjson"])
def test_a_file_cut_anywhere_is_gone_on_with(kind, tmp_path):
    """Cut off after any byte, the file loses pictures but has none that is not whole."""
    path = tmp_path / f"results.{kind}"

    def write() -> dict[str, int]:
        file = ResultsFile(path)
        done = dict(file.done)
        for name in NAMED:
            if name not in done:
                file.add(Result(name, b"", () if name == "none.jpg" else (FACE, FACE)))
        file.close()
        return done

    assert write() == {}
    finished = path.read_bytes()
    for cut in range(len(finished) + 1):
        path.write_bytes(finished[:cut])
        done = write()
        assert list(done) == NAMED[: len(done)], cut
        assert all(done[name] == (0 if name == "none.jpg" else 2) for name in done)
        assert path.read_bytes() == finished, cut
    assert len(done) >= len(NAMED) - 1


@pytest.mark.parametrize("kind", ["csv", "ndjson"])
def test_another_file_is_not_written_into(kind, tmp_path):
    path = tmp_path / f"mine.{kind}"
    for text in ("name,mail\nme,x\n", '{"mine": 1}\n', "words\n", "1\n", "my diary", "{x"):
        path.write_text(text)
        with pytest.raises(ServiceError, match="other things in it"):
            ResultsFile(path)
        assert path.read_text() == text and list(tmp_path.iterdir()) == [path]
    with pytest.raises(ServiceError, match="unwritable"):
        ResultsFile(tmp_path / "no/such/folder.csv")


@pytest.mark.parametrize("name", ["/abs/x.jpg", "../../x.jpg", "a/../../x.jpg"])
def test_drawings_stay_in_their_folder(name, tmp_path):
    assert tmp_path in place_drawing(tmp_path, name).resolve().parents
