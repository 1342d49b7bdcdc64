"""The README says what is so."""

import re

from bench import detectors_table, readme_table
from serving.errors import CATALOGUE
from tools import settings_table
from tools.processes import ROOT

README = (ROOT / "README.md").read_text()


def test_the_settings_table_is_made_from_the_settings():
    table = settings_table.make_table()
    filled = settings_table.fill_in(README, settings_table.MARK, table)
    assert filled == README, "run: python -m tools.settings_table"


def test_the_table_of_engines_is_made_from_the_ledger():
    filled = settings_table.fill_in(README, readme_table.MARK, readme_table.make_table())
    assert filled == README, "run: python -m bench.readme_table"


def test_the_table_of_detectors_is_made_from_theirs():
    filled = settings_table.fill_in(README, detectors_table.MARK, detectors_table.make_table())
    assert filled == README, "run: python -m bench.detectors_table"


def test_the_error_table_has_every_error_with_its_statuses():
    rows = dict[str, tuple[str, str]]()
    for codes, http, status in re.findall(r"^\| (`[^|]+) \| (\d+) \| ([A-Z_]+) \|", README, re.M):
        rows |= dict.fromkeys(re.findall("`([a-z_]+)`", codes), (http, status))
    assert rows == {
        code: (str(kind.http_status), kind.grpc_status.name) for code, kind in CATALOGUE.items()
    }


def test_every_file_and_folder_named_exists():
    for name in re.findall(r"`(?!image/)([a-z_]+/[a-z_/.]*)`", README):
        assert (ROOT / name).exists(), name
    for name in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / name).exists(), name
