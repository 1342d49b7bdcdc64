"""CPU features are read as Linux names them."""

from pathlib import Path

from predictor.engines.hardware import list_features


def test_features_of_x86_and_arm(tmp_path: Path):
    (tmp_path / "x86").write_text("processor : 0\nflags\t\t: fpu avx512_vnni\nbogomips: 1\n")
    (tmp_path / "arm").write_text("processor : 0\nFeatures\t: asimd i8mm bf16\n")
    assert list_features(tmp_path / "x86") == {"fpu", "avx512_vnni"}
    assert "i8mm" in list_features(tmp_path / "arm")
    assert list_features(tmp_path / "none") == frozenset()
