"""A statement that is made once: built at the first call, and its values are of each call."""

import pytest
import sqlalchemy as sa

from connector.store.among import among
from connector.store.once import once
from connector.store.parks import park
from connector.store.tables import parks
from tests.pipeline.sends import NOW


def test_it_is_built_once_and_takes_the_values_of_each_call(store):
    built = []

    @once
    def due(conn, keys, now, limit):
        built.append(conn.dialect.name)
        mine = sa.and_(among(conn, parks.c.key, keys), parks.c.until >= now)
        return sa.select(parks.c.key).where(mine).order_by(parks.c.key).limit(limit)

    with store.write() as conn:
        for key in ("a", "b", 'c"\\'):
            park(conn, "account", key, NOW, "It rests.")
        asked = [([], 5), (["a"], 5), ({"b", 'c"\\'}, 5), (dict.fromkeys(["a", "b"]), 1)]
        found = [due(conn, keys, NOW, limit).scalars().all() for keys, limit in asked]
        with pytest.raises(ValueError, match="shorter"):
            due(conn, ["a"], NOW)
    assert found == [[], ["a"], ["b", 'c"\\'], ["a"]]
    assert built == [store.dialect]
