"""`python old_house.py URL`, by the code of an older release: its tables, the stand-ins' accounts, its documents.

Prints {crms, links}. Run with that release's checkout in PYTHONPATH; its own rig knows how it is done.
"""

import json
import os
import sys
from types import SimpleNamespace

from connector import config as settings
from connector.app import App
from connector.bell import RedisBell
from connector.store.engine import upgrade
from tests.chaos.rig import Rig


class House(Rig):
    """Only what connects and publishes."""

    def __init__(self, app: App, url: str) -> None:
        self.app, self.sandbox = app, SimpleNamespace(url=url)  # type: ignore[assignment]


def main(url: str) -> None:
    config = settings.load(os.environ)
    upgrade(config.database_url)
    bell = RedisBell(config.redis_url)
    app = App(config, bell)
    house = House(app, url)
    crms = house._connect()
    house._publish()
    links = {kind: [link.path, link.secret] for kind, link in house._links().items()}
    app.sync(lambda: False)
    app.close()
    bell.close()
    print(json.dumps({"crms": crms, "links": links}))


if __name__ == "__main__":
    main(sys.argv[1])
