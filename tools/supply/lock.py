"""make lock: writes requirements/*.lock from pyproject.toml, with uv. UPGRADE=--upgrade takes the newest of everything.

One lock serves every Python from 3.11 on and every system (`--universal`): what only some need carries a marker.
"""

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from tools.supply.locks import ALONE, FOLDER, LOCKS, ROOT

PROJECT = ROOT / "pyproject.toml"
HEADER = "# Made by `make lock` from pyproject.toml; not by hand.\n"


def main(options: list[str]) -> None:
    FOLDER.mkdir(exist_ok=True)
    project = tomllib.loads(PROJECT.read_text("utf-8"))
    for name, extra in LOCKS.items():
        path = FOLDER / f"{name}.lock"
        compile_lock(path, project, extra, options)
        lines = path.read_text("utf-8").splitlines(keepends=True)
        path.write_text(HEADER + "".join(line for line in lines if " -c " not in line and line != HEADER), "utf-8")
        print(f"{path.relative_to(ROOT)}: {sum('==' in line for line in lines)} packages")


def compile_lock(path: Path, project: dict[str, Any], extra: str | None, options: list[str]) -> None:
    """One lock. All others follow `dev`, so that what is tested is what runs."""
    source, given = [PROJECT.name, *(("--extra", extra) if extra else ())], None
    if extra in ALONE:
        more = project["project"]["optional-dependencies"].get(extra) if extra else project["build-system"]["requires"]
        source, given = ["-"], "\n".join(more)
    same = [] if path.stem == "dev" else ["--constraint", str(FOLDER.relative_to(ROOT) / "dev.lock")]
    lowest = project["project"]["requires-python"].removeprefix(">=")
    command = ["pip", "compile", "--quiet", "--universal", "--generate-hashes", "--no-header", "--no-emit-index-url"]
    subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "uv", *command, "--python-version", lowest, *same, *options, *source, "-o", str(path)],
        cwd=ROOT,
        input=given,
        text=True,
        check=True,
        stdout=subprocess.DEVNULL,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
