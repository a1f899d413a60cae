"""connector hubspot|salesforce package: files that name our address, and what the live documents wait for."""

import json

SEND = """send: renewal
crm: hubspot
when:
  deal.renewal_state: {becomes: due}
to: {contact: deal.contact, phone: [contact.phone]}
template: quote_ready
"""


def test_hubspots_project_listens_to_what_the_documents_wait_for(cli, house):
    house.publish(SEND)
    cli("hubspot", "package", "--url", "https://wa.example.com", "--out", "hs")
    text = (cli.cwd / "hs/src/app/webhooks/webhooks-hsmeta.json").read_text("utf-8")
    assert "https://wa.example.com/hooks/crm/hubspot" in text
    assert '"renewal_state"' in text
    assert json.loads((cli.cwd / "hs/hsproject.json").read_text("utf-8"))["srcDir"] == "src"
    assert "https" in cli.refused("hubspot", "package", "--url", "http://wa.example.com", "--out", "no")


def test_salesforces_package_is_written_and_deployed(cli, house):
    said = cli("salesforce", "package", "--url", "https://wa.example.com", "--out", "sf", "--deploy")
    assert "Succeeded" in said.out
    assert (cli.cwd / "sf/package.xml").is_file()
    assert "https://wa.example.com/hooks/crm/" in (cli.cwd / "sf/workflows/Opportunity.workflow").read_text("utf-8")
    assert (cli.cwd / "sf").stat().st_mode & 0o077 == 0


def test_a_crm_that_is_not_connected_has_no_package(cli):
    assert "hubspot" in cli.refused("hubspot", "package", "--url", "https://wa.example.com")
    assert "salesforce" in cli.refused("salesforce", "package", "--url", "https://wa.example.com")
