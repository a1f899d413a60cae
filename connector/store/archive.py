"""One backup is one ZIP file: parts as they stream in, and a manifest with the checksum of each; sealed with a key."""

import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from connector.errors import GiveUp, NotAllowed
from connector.store import sealing

MANIFEST = "manifest.json"
FORMAT = 1
BLOCK = 1 << 20
PART = ".part"  # of a backup that is not whole yet
WRONG = "This is no backup of ours, or it is damaged"


class Archive:
    """`with writing(path) as archive`: `part` each, then `manifest`; without it the file never takes its name."""

    def __init__(self, file: zipfile.ZipFile) -> None:
        self._zip = file
        self.parts: dict[str, dict[str, Any]] = {}
        self.whole = False

    @contextmanager
    def part(self, name: str, *, packed: bool = True) -> Iterator["Hashing"]:
        """A part to write to. `packed`: False for what is packed already, as pictures are."""
        info = zipfile.ZipInfo(name)
        info.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
        info.external_attr = 0o600 << 16
        with self._zip.open(info, "w", force_zip64=True) as out:
            hashing = Hashing(out)
            yield hashing
        self.parts[name] = {"size": hashing.size, "sha256": hashing.digest.hexdigest()}

    def copy(self, name: str, path: Path, *, packed: bool = True) -> None:
        with path.open("rb") as file, self.part(name, packed=packed) as out:
            while block := file.read(BLOCK):
                out.write(block)

    def manifest(self, told: Mapping[str, Any]) -> None:
        """The last part: it says that the others are all."""
        text = json.dumps({"format": FORMAT, **told, "parts": self.parts}, indent=1)
        self._zip.writestr(MANIFEST, text)
        self.whole = True


class Hashing:
    """Counts and sums up what goes through it."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out, self.digest, self.size = out, hashlib.sha256(), 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._out.write(data)
        self.digest.update(data)
        self.size += len(data)


@contextmanager
def writing(path: Path, key: str = "") -> Iterator[Archive]:
    """A new file (0600) that takes its name when the block ends with a manifest; nothing is left when it does not."""
    part = path.with_name(path.name + PART)
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            sealer = sealing.Sealer(file, key) if key else None
            with zipfile.ZipFile(cast("IO[bytes]", sealer or file), "w", compresslevel=1) as packed:
                archive = Archive(packed)
                yield archive
            if sealer is not None:
                sealer.close()
            file.flush()
            os.fsync(file.fileno())
        if archive.whole:
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)


class Reading:
    """An opened backup: its manifest, and its parts."""

    def __init__(self, file: zipfile.ZipFile, name: str) -> None:
        self._zip, self._name = file, name
        try:
            self.manifest: dict[str, Any] = json.loads(file.read(MANIFEST))
        except (KeyError, ValueError, zipfile.BadZipFile) as error:
            raise GiveUp(f"{WRONG}: {name} has no manifest.", code="backup_damaged") from error
        if self.manifest.get("format") != FORMAT:
            raise GiveUp(f"{name} is of another format.", hint="Use the release that made it.", code="backup_format")

    def check(self) -> None:
        """Every part is there, whole and unchanged. Raises GiveUp."""
        for name, told in self.manifest["parts"].items():
            digest = hashlib.sha256()
            try:
                with self.open(name) as file:
                    while block := file.read(BLOCK):
                        digest.update(block)
            except (KeyError, zipfile.BadZipFile, EOFError, OSError) as error:
                raise GiveUp(f"{WRONG}: {name} in {self._name} cannot be read.", code="backup_damaged") from error
            if digest.hexdigest() != told["sha256"]:
                raise GiveUp(f"{WRONG}: {name} in {self._name} is not what was written.", code="backup_damaged")

    def open(self, name: str) -> IO[bytes]:
        return self._zip.open(name)

    def save(self, name: str, path: Path) -> None:
        """One part as a file of its own, safe on the disk."""
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as out, self.open(name) as file:
            while block := file.read(BLOCK):
                out.write(block)
            out.flush()
            os.fsync(out.fileno())

    def under(self, prefix: str) -> list[str]:
        return sorted(name for name in self.manifest["parts"] if name.startswith(prefix))


@contextmanager
def reading(path: Path, key: str = "") -> Iterator[Reading]:
    """Raises GiveUp for what is no backup, NotAllowed for a key that does not open it."""
    with ExitStack() as stack:
        file: BinaryIO = stack.enter_context(path.open("rb"))
        if sealing.is_sealed(file):
            if not key:
                raise NotAllowed(
                    f"{path.name} is sealed.", hint="Set BACKUP_KEY, or give --key-file.", code="backup_key"
                )
            plain = stack.enter_context(tempfile.TemporaryFile(dir=path.parent))
            sealing.unseal(file, cast("BinaryIO", plain), key)
            plain.seek(0)
            file = cast("BinaryIO", plain)
        try:
            packed = stack.enter_context(zipfile.ZipFile(file))
        except zipfile.BadZipFile as error:
            raise GiveUp(f"{WRONG}: {path.name} is no ZIP file.", code="backup_damaged") from error
        yield Reading(packed, path.name)
