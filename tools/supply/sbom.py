"""make sbom: docs/sbom.json (CycloneDX 1.6), the parts that the lock and the vendored files name; docs/licences.md.

The same inputs give the same bytes: no time and no random number is in it. Run it where the locked versions are
installed (`make` installs them): licences come from the packages themselves.
"""

import json
import tomllib
from typing import Any
from urllib.parse import quote

from tools.supply import licences, locks
from tools.supply.locks import OURS, ROOT, Pin

INDEX = "https://pypi.org/simple"
LOCK = "postgres"  # what production installs: the connector with its driver


def made() -> dict[str, Any]:
    """The list of parts as a CycloneDX document."""
    return sbom(locks.read(LOCK), {pin.name: licences.of(pin.name) for pin in locks.read(LOCK)}, licences.vendored())


def sbom(pins: list[Pin], known: dict[str, str], vendored: dict[str, tuple[str, str]]) -> dict[str, Any]:
    """The document: `known` has each pin's licence, `vendored` each npm package's version and licence."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    ours = f"pkg:pypi/{OURS}@{project['version']}"
    own = {"type": "application", "bom-ref": ours, "name": OURS, "version": project["version"], "purl": ours}
    parts = [_python(pin, known[pin.name]) for pin in pins]
    parts += [_npm(name, *told) for name, told in sorted(vendored.items())]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {**own, "licenses": [{"expression": project["license"]}]}},
        "components": parts,
        "dependencies": _needs(ours, pins, [part["bom-ref"] for part in parts if part["purl"].startswith("pkg:npm/")]),
    }


def _python(pin: Pin, licence: str) -> dict[str, Any]:
    """Its hashes are those of all its files: which one is installed depends on the system."""
    hashes = [{"alg": "SHA-256", "content": each.removeprefix("sha256:")} for each in pin.hashes]
    part = _part(f"pkg:pypi/{pin.name}@{quote(pin.version)}", pin.name, pin.version, licence)
    part["externalReferences"] = [{"type": "distribution", "url": f"{INDEX}/{pin.name}/", "hashes": hashes}]
    if pin.marker:
        part["properties"] = [{"name": "connector:marker", "value": pin.marker}]
    return part


def _npm(name: str, version: str, licence: str) -> dict[str, Any]:
    return _part(f"pkg:npm/{quote(name)}@{version}", name, version, licence)


def _part(purl: str, name: str, version: str, licence: str) -> dict[str, Any]:
    told = {"name": name, "version": version, "licenses": [{"expression": licence}], "purl": purl}
    return {"type": "library", "bom-ref": purl, **told}


def _needs(ours: str, pins: list[Pin], inside: list[str]) -> list[dict[str, Any]]:
    """Who needs whom, from the lock's own comments."""
    refs = {pin.name: f"pkg:pypi/{pin.name}@{quote(pin.version)}" for pin in pins} | {OURS: ours}
    needs: dict[str, list[str]] = {ref: [] for ref in [ours, *sorted(set(refs.values()) - {ours}), *inside]}
    for pin in pins:
        for who in pin.via:
            needs[refs[who]].append(refs[pin.name])
    needs[ours] += inside
    return [{"ref": ref, "dependsOn": sorted(found)} for ref, found in needs.items()]


def main() -> None:
    found = made()
    licences.SBOM.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    licences.PAGE.write_text(licences.page(found), "utf-8")
    print(f"docs/sbom.json and docs/licences.md: {len(found['components'])} parts")


if __name__ == "__main__":
    main()
