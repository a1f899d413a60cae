"""connector flows simulate: the tree, the coverage, the findings, and the exit code."""

import json

from tests.cli.conftest import EXAMPLES


def test_a_shipped_flow(cli):
    done = cli("flows", "simulate", str(EXAMPLES / "qualify-lead.yaml"))
    assert "  [11 to 100] (medium) -> budget" in done.out
    assert "7 of 7 steps, 0 findings." in done.out


def test_findings_are_told_and_counted(cli):
    path = cli.cwd / "bad.yaml"
    path.write_text("flow: bad\ncrm: hubspot\nsteps:\n  a: {end: x}\n  b: {end: y}\n")
    done = cli("flows", "simulate", str(path), "--json", code=1)
    told = json.loads(done.out)
    assert [f["code"] for f in told["findings"]] == ["unreachable"]
    assert told["coverage"] == {"a": 1, "b": 0}
    path.write_text("flow: bad\ncrm: hubspot\nsteps:\n  a: {say: x, go: bb}\n")
    assert json.loads(cli("flows", "simulate", str(path), "--json", code=1).out)["findings"][0]["line"] == 4
    path.write_text("mapping: m\ncrm: hubspot\nwhen: {answer_to: anything}\nset: {x: y}\n")
    assert "is a `mapping:` document" in cli.refused("flows", "simulate", str(path))
