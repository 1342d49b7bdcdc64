"""What model.json cannot say is one sentence, before anything is converted."""

import json
from pathlib import Path
from typing import Any

import pytest

from predictor.declaration import DeclarationError, read_declaration

POINTS = {"points": ["a", "b"]}
WRONG: dict[str, dict[str, Any]] = {
    "'input.size' is not a key; there are side, color, ": {"input": {"size": 96}},
    "two points have the name 'a'": {"points": ["a", "a"]},
    "'zz' in .* is not one of the points": POINTS | {"mirror": [["a", "zz"]]},
    "is not a pair of two points": POINTS | {"unit": ["a", "a"]},
    "'zz' in 'five' is not one of the points": POINTS | {"five": [["a"]] * 4 + [["zz"]]},
    "mean_face has 1 of 2 points": POINTS | {"mean_face": [[0.5, 0.5]]},
}


@pytest.mark.parametrize("words", WRONG)
def test_what_cannot_be_is_one_sentence(tmp_path: Path, words: str):
    (tmp_path / "model.json").write_text(json.dumps(WRONG[words]))
    with pytest.raises(DeclarationError, match=words) as caught:
        read_declaration(tmp_path / "model.json")
    assert "model.json: " in str(caught.value) and "\n" not in str(caught.value)
