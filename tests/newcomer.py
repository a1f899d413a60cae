"""A CRM of another package, installed for a test as pip would: its folder, and the entry point that names it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector import base

FOLDER = Path(__file__).with_name("newcomers")


def installed(folder: Path) -> list[str]:
    """What has to be on the path of a process that shall know it."""
    about = folder / "tiny_crm-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny-crm\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[connector.crm]\ntiny = tiny_crm\n")
    return [str(FOLDER), str(folder)]


@pytest.fixture
def newcomer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Its kind, known to this process as long as the test lasts."""
    for path in installed(tmp_path / "installed"):
        monkeypatch.syspath_prepend(path)
    base.crm_kinds.cache_clear()
    yield "tiny"
    monkeypatch.undo()
    base.crm_kinds.cache_clear()
    assert "tiny" not in base.kinds()
    for name in [name for name in sys.modules if name.partition(".")[0] == "tiny_crm"]:
        del sys.modules[name]
