"""Files on disk, one folder: written beside, checked, then put in their place at once; named by our keys alone."""

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

KEY = re.compile(r"[0-9a-f-]{16,64}")
PART = ".part"  # of a file that is not whole yet
STALE = 24 * 3600  # seconds after which a part belongs to nobody


class Files:
    """`files.path(key)`; several machines need one shared folder (MEDIA_DIR)."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, key: str) -> Path:
        """Where a file lies, or would. Raises ValueError for what is no key of ours."""
        if not KEY.fullmatch(key):
            raise ValueError("not a key")
        return self.root / key[-2:] / key

    @contextmanager
    def writing(self, key: str) -> Iterator[BinaryIO]:
        """A file that takes its place when the block ends well, and leaves nothing when it does not."""
        goal = self.path(key)
        goal.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = goal.with_name(f"{goal.name}.{secrets.token_hex(6)}{PART}")
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                yield out
                out.flush()
                os.fsync(out.fileno())
            part.replace(goal)
        finally:
            part.unlink(missing_ok=True)

    def delete(self, key: str) -> None:
        """It is gone afterwards, whether it was there or not."""
        self.path(key).unlink(missing_ok=True)

    def sweep(self, now: float) -> int:
        """Parts that a worker left behind when it died; how many."""
        old = [one for one in self.root.glob(f"*/*{PART}") if one.stat().st_mtime < now - STALE]
        for one in old:
            one.unlink(missing_ok=True)
        return len(old)
