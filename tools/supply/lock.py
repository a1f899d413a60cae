"""make lock: writes requirements/*.lock from pyproject.toml, with uv. UPGRADE=--upgrade takes the newest of everything.

One lock serves every Python from 3.11 on and every system (`--universal`): what only some need carries a marker.
"""

import subprocess
import sys
import tomllib
from pathlib import Path

from tools.supply.locks import FOLDER, LOCKS, ROOT

PROJECT = ROOT / "pyproject.toml"
HEADER = "# Made by `make lock` from pyproject.toml; not by hand.\n"


def main(options: list[str]) -> None:
    FOLDER.mkdir(exist_ok=True)
    lowest = tomllib.loads(PROJECT.read_text("utf-8"))["project"]["requires-python"].removeprefix(">=")
    for name, extra in LOCKS.items():
        path = FOLDER / f"{name}.lock"
        compile_lock(path, extra, lowest, options)
        path.write_text(HEADER + path.read_text("utf-8"), "utf-8")
        print(f"{path.relative_to(ROOT)}: {path.read_text('utf-8').count('==')} packages")


def compile_lock(path: Path, extra: str | None, lowest: str, options: list[str]) -> None:
    """One lock. All others follow `dev`, so that what is tested is what runs."""
    given = "\n".join(tomllib.loads(PROJECT.read_text("utf-8"))["build-system"]["requires"]) if extra is None else None
    source = ["-"] if given is not None else [PROJECT.name, *(("--extra", extra) if extra else ())]
    same = [] if path.stem == "dev" else ["--constraint", str(FOLDER.relative_to(ROOT) / "dev.lock")]
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
