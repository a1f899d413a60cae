"""A child process of the lock tests: takes names, says which, and holds them until it is killed or told to end."""

import sys
from pathlib import Path

from connector.store.engine import open_store

url, home, *names = sys.argv[1:]
store = open_store(url, home=Path(home))
with store.locks.hold(names) as taken:
    print(*sorted(taken), flush=True)
    sys.stdin.readline()
store.close()
