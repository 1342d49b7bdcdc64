"""What was trained on is recorded picture by picture."""

import csv

import pytest

from training.sources import TABLE, main


def test_every_picture_has_its_hash_licence_and_source() -> None:
    with open(TABLE, newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["path"] for row in rows}) == len(rows) == 1929
    assert all(len(row["sha256"]) == 64 and row["licence"] and row["source"] for row in rows)
    assert not [row["path"] for row in rows if row["path"].startswith(("helen", "canada"))]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("a.jpg,2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881,MIT,me", ""),
        ("a.jpg,0000,MIT,me", "sha256 differs"),
        ("b.jpg,0000,MIT,me", "b.jpg is in none of"),
        ("a.jpg,0000,,me", "no hash, licence or source"),
    ],
)
def test_a_picture_that_differs_is_named(row: str, says: str, tmp_path, capsys) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x")
    table = tmp_path / "table.csv"
    table.write_text(f"path,sha256,licence,source\n{row}\n")
    words = ["--data", str(tmp_path), "--table", str(table)]
    if says:
        with pytest.raises(SystemExit):
            main(words)
        assert says in capsys.readouterr().err
    else:
        main(words)
        assert capsys.readouterr().out.split() == ["1", "MIT"]
