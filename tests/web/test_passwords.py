"""How passwords are kept, with the work that a real one costs: every other test signs in cheaply."""

import importlib.util

from connector.web.auth import passwords


def test_a_hash_costs_what_owasp_asks_for() -> None:
    """argon2id of 19 MiB and two passes, or more: OWASP Password Storage Cheat Sheet."""
    spec = importlib.util.spec_from_file_location("untouched", passwords.__file__)
    assert spec is not None
    assert spec.loader is not None
    untouched = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(untouched)
    stored = untouched.hashed("correct horse battery")
    _, kind, _, costs, *_ = stored.split("$")
    cost = dict(one.split("=") for one in costs.split(","))
    assert kind == "argon2id"
    assert int(cost["m"]) >= 19 * 1024
    assert int(cost["t"]) >= 2
    assert untouched.right(stored, "correct horse battery")
    assert not untouched.right(stored, "correct horse batterz")
    assert untouched.outdated(passwords.hashed("correct horse battery"))  # a cheaper one is made anew
