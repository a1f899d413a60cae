"""make audit: asks PyPI for known vulnerabilities of every locked version, by pip-audit.

Exit codes: 0 none (or the service cannot be reached, and says so), 1 at least one that is not in accepted.toml.
"""

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from tools.supply.locks import FOLDER, ROOT

LOCKS = ("dev", "build")  # dev has everything that runs, too
ACCEPTED = Path(__file__).parent / "accepted.toml"


def findings(report: dict[str, Any], accepted: set[str]) -> list[str]:
    """One line for each vulnerability that nobody has looked at yet."""
    return [
        f"{each['name']} {each['version']}: {found['id']} ({', '.join(found['aliases']) or 'no other name'}),"
        f" mended in {', '.join(found['fix_versions']) or 'no version yet'}"
        for each in report["dependencies"]
        for found in each.get("vulns", ())
        if not accepted & {found["id"], *found["aliases"]}
    ]


def not_asked(report: dict[str, Any]) -> list[str]:
    """The packages that the service said nothing about: pip-audit passes over them, and that is no good news."""
    return [each["name"] for each in report["dependencies"] if "skip_reason" in each]


def ask(lock: str) -> dict[str, Any] | None:
    """pip-audit's report on one lock, or None when its service does not answer. It installs nothing."""
    command = ["pip_audit", "--disable-pip", "--require-hashes", "--progress-spinner", "off", "--format", "json"]
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", *command, "--requirement", str(FOLDER / f"{lock}.lock")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        report: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        print(done.stderr.strip()[-2000:], file=sys.stderr)
        return None
    return report


def main() -> int:
    accepted = {each["id"] for each in tomllib.loads(ACCEPTED.read_text("utf-8")).get("accepted", ())}
    found: set[str] = set()
    for lock in LOCKS:
        report = ask(lock)
        if report is None or len(not_asked(report)) == len(report["dependencies"]):
            print(f"make audit left out: nobody here answers about vulnerabilities (requirements/{lock}.lock)")
            return 0
        found |= set(findings(report, accepted))
        found |= {
            f"{name}: PyPI does not know this version, so nothing can be said of it" for name in not_asked(report)
        }
        print(f"requirements/{lock}.lock: {len(report['dependencies'])} packages asked about")
    print("\n".join(sorted(found)) or "No known vulnerabilities")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
