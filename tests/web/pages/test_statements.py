"""How many statements a page takes: few, and as many for a long history as for a short one."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from connector.store.engine import Store, open_store
from tests.bench import big, pages

pytestmark = pytest.mark.long  # make test-long

MOST = {"health": 75, "contact": 50}  # these look at everything
ANY = 45
BATCHES = 12  # what is rare is looked for in some batches more; a statement for each row would be 50


@contextmanager
def counting(store: Store) -> Iterator[list[str]]:
    """The statements that run meanwhile."""
    seen: list[str] = []

    def note(conn, cursor, statement, *rest) -> None:
        seen.append(statement)

    sa.event.listen(store.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(store.engine, "before_cursor_execute", note)


def statements(url, home, share, make_console, clock) -> dict[str, int]:
    """{page: how many} over a business of this size."""
    big.fill(url, share, clock.at)
    store = open_store(url, home=home)
    try:
        pages.prepare(store, clock.at)
        browser = make_console(store)("admin")
        found = {}
        with store.read() as conn:
            wanted = list(pages.pages(conn))
        for page in wanted:
            with counting(store) as seen:
                answer = browser.post(page.path, page.form) if page.form else browser.get(page.path)
            assert answer.status_code == 200, page.path
            found[page.name] = len(seen)
        return found
    finally:
        store.close()


def test_a_page_takes_as_many_statements_for_ten_times_the_rows(tmp_path, make_console, clock):
    small, large = (
        statements(f"sqlite:///{tmp_path / name}/x.db", tmp_path / name, share, make_console, clock)
        for name, share in (("small", 0.002), ("large", 0.02))
    )
    assert {name: n for name, n in large.items() if n > MOST.get(name.partition(",")[0], ANY)} == {}
    assert {name: (small[name], n) for name, n in large.items() if n > small[name] + BATCHES} == {}
