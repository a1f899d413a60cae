"""Where a record is seen in the CRM's own screens."""

import pytest

from connector import crm

HUBSPOT = {"portal_id": "4711", "base_url": "https://api.hubapi.com"}
SALESFORCE = {"domain": "acme.my.salesforce.com"}
HERE = "https://acme.my.salesforce.com"
LEAD = "00Q5e00000abcdEAA"


@pytest.mark.parametrize(
    ("kind", "settings", "object_", "record", "page"),
    [
        ("hubspot", HUBSPOT, "contacts", "1512", "https://app.hubspot.com/contacts/4711/record/0-1/1512"),
        ("hubspot", {"portal_id": "4711"}, "deals", "9", "https://app.hubspot.com/contacts/4711/record/0-3/9"),
        ("hubspot", HUBSPOT, "2-123456", "9", "https://app.hubspot.com/contacts/4711/record/2-123456/9"),
        ("hubspot", HUBSPOT, "pets", "9", ""),
        ("hubspot", HUBSPOT, "contacts", "9/../x", ""),
        ("hubspot", HUBSPOT, "contacts", "", ""),
        ("hubspot", {}, "contacts", "1512", ""),
        ("hubspot", HUBSPOT | {"base_url": "http://127.0.0.1:8010/hubspot"}, "contacts", "1512", ""),
        ("hubspot", HUBSPOT | {"portal_id": "javascript:"}, "contacts", "1512", ""),
        ("salesforce", SALESFORCE, "Lead", LEAD + "x", f"{HERE}/{LEAD}x"),
        ("salesforce", {"domain": HERE}, "Lead", LEAD[:15], f"{HERE}/{LEAD[:15]}"),
        ("salesforce", SALESFORCE | {"base_url": "http://127.0.0.1:8010/salesforce"}, "Lead", LEAD[:15], ""),
        ("salesforce", {"domain": "salesforce.com.evil.example"}, "Lead", LEAD[:15], ""),
        ("salesforce", SALESFORCE, "Lead", "x?y", ""),
        ("salesforce", {}, "Lead", LEAD[:15], ""),
    ],
)  # fmt: skip
def test_a_record_has_its_page(kind, settings, object_, record, page):
    assert crm.manifest(kind).record_url(settings, object_, record) == page
