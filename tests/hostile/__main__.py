"""`make fuzz ARGS="--minutes 60 --seed 7"`: the fuzzing of tests/hostile for as long as you like, round after round.

Every round has a seed of its own, printed before it; `--seed N --minutes 0` does that round alone again.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
FUZZ = ("test_fuzz_deliveries.py", "test_fuzz_documents.py", "test_fuzz_sheets.py", "test_fuzz_web.py",
        "test_injection.py")  # fmt: skip


def main() -> int:
    """0 when nothing was found, else pytest's own code."""
    asked = argparse.ArgumentParser(prog="make fuzz ARGS=...", description=__doc__)
    asked.add_argument("--minutes", type=float, default=5, help="begin no round after so long; 0 is one round")
    asked.add_argument("--seed", type=int, default=1, help="of the first round; each next one has the next number")
    asked.add_argument("--times", type=int, default=5, help="examples, as a multiple of what a deep run tries")
    asked.add_argument("-k", default="", help="only these tests, as pytest takes it")
    given = asked.parse_args()
    end, seed = time.monotonic() + given.minutes * 60, given.seed
    while True:
        print(f"round with --seed {seed}", flush=True)
        code = one_round(seed, given.times, given.k)
        if code:
            print(f"found with --seed {seed}: make fuzz ARGS='--minutes 0 --seed {seed} --times {given.times}'")
            return code
        seed += 1
        if time.monotonic() >= end:
            return 0


def one_round(seed: int, times: int, only: str) -> int:
    """All of it once."""
    env = {**os.environ, "CONNECTOR_TESTS_DEEP": "1", "CONNECTOR_FUZZ": str(times)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--hypothesis-seed={seed}"]
    command += [str(HERE / name) for name in FUZZ] + (["-k", only] if only else [])
    return subprocess.run(command, env=env, cwd=HERE.parents[1], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
