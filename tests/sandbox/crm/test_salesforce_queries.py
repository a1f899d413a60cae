"""Salesforce's SOQL and SOSL: what they find, and what they refuse."""

import pytest


def rows(salesforce, soql: str, path: str = "/query") -> list[dict]:
    answer = salesforce.get(path, params={"q": soql})
    assert answer.status_code == 200, answer.text
    return answer.json()["records"]


def names(salesforce, where: str, object: str = "Contact") -> list[str]:
    return [row["FirstName"] for row in rows(salesforce, f"SELECT FirstName FROM {object} WHERE {where}")]


def searched(
    salesforce, find: str, returning: str = "Contact(FirstName), Lead(FirstName)", group: str = "PHONE"
) -> list[str]:
    answer = salesforce.get("/search/", params={"q": f"FIND {{{find}}} IN {group} FIELDS RETURNING {returning}"})
    assert answer.status_code == 200, answer.text
    return [row["FirstName"] for row in answer.json()["searchRecords"]]


@pytest.mark.parametrize("where, found", [
    ("LastName = 'souza'", ["Beatriz"]),
    ("LastName = 'Rey' AND FirstName != 'Óscar'", ["Mónica"]),
    ("(LastName = 'Chen' OR LastName = 'Vega') AND Email LIKE '%lonestar%'", ["Alicia"]),
    ("NOT (LastName != 'Souza')", ["Beatriz"]),
    ("FirstName IN ('beatriz', 'Robert')", ["Beatriz", "Robert"]),
    ("LastName = 'Rey' AND FirstName NOT IN ('Óscar')", ["Mónica"]),
    ("LastName = 'O\\'Higgins'", []),
    ("Phone = '+51987555190'", ["Óscar"]),  # the text as it is stored, not the number
    ("Account.Name = 'Clínica San Borja' AND LastName = 'Torres'", ["Milagros"]),
    ("LastName = 'Souza' AND Phone = null", ["Beatriz"]),
    ("LastName = 'Souza' AND CreatedDate > 2026-03-03T00:00:00Z", []),
    ("LastName = 'Souza' AND CreatedDate <= 2026-03-03T00:00:00Z", ["Beatriz"]),
    ("Legacy_Code__c = 'dup-1'", ["Robert", "Alicia"]),
])  # fmt: skip
def test_conditions(salesforce, where, found) -> None:
    assert names(salesforce, where) == found


def test_a_15_character_id_finds_its_record(salesforce) -> None:
    [row] = rows(salesforce, "SELECT Id FROM Contact WHERE LastName = 'Souza'")
    for id in (row["Id"], row["Id"][:15]):
        assert (
            names(salesforce, f"Id = '{id}'")
            == names(salesforce, f"Id IN ('{id}', '0035e0000000000AAA')")
            == ["Beatriz"]
        )
    assert row["attributes"] == {"type": "Contact", "url": f"/services/data/v68.0/sobjects/Contact/{row['Id']}"}


def test_order_limit_and_count(salesforce) -> None:
    soql = (
        "SELECT FirstName, Account.Name FROM Contact WHERE AccountId != null ORDER BY FirstName DESC LIMIT 3 OFFSET 1"
    )
    found = [row["FirstName"] for row in rows(salesforce, soql)]
    every = rows(salesforce, "SELECT FirstName FROM Contact WHERE AccountId != null")
    every = sorted((row["FirstName"] for row in every), key=str.lower, reverse=True)
    assert found == every[1:4]
    answer = salesforce.get("/query", params={"q": "SELECT COUNT() FROM Contact"}).json()
    assert (answer["records"], answer["totalSize"] > 10) == ([], True)


def test_pages_of_2000_rows(salesforce) -> None:
    for batch in range(11):
        new = [{"attributes": {"type": "Task"}, "Subject": f"{batch}-{n}"} for n in range(200)]
        salesforce.post("/composite/sobjects", json={"records": new}).raise_for_status()
    first = salesforce.get("/query", params={"q": "SELECT Subject FROM Task"}).json()
    assert (first["totalSize"], first["done"], len(first["records"])) == (2200, False, 2000)
    path = first["nextRecordsUrl"].removeprefix("/services/data/v68.0")
    second = salesforce.get(path).json()
    assert (second["done"], len(second["records"])) == (True, 200)
    assert len({row["Subject"] for row in [*first["records"], *second["records"]]}) == 2200
    assert salesforce.get("/query/01g5e-2000").json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"


@pytest.mark.parametrize("soql, code", [
    ("SELECT Nope__c FROM Contact", "INVALID_FIELD"),
    ("SELECT Id FROM Contact WHERE Nope__c = 1", "INVALID_FIELD"),
    ("SELECT Id FROM Planet", "INVALID_TYPE"),
    ("SELECT Id FROM Contact WHERE LastName = 'a' OR LastName = 'b' AND FirstName = 'c'", "MALFORMED_QUERY"),
    ("SELECT Id FROM Contact WHERE LastName = souza", "MALFORMED_QUERY"),
    ("SELECT Id FROM Contact WHERE LastName = 'O'Higgins'", "MALFORMED_QUERY"),
    ("SELECT Id FROM Contact WHERE LastName IN ()", "MALFORMED_QUERY"),
    ("SELECT Id Contact", "MALFORMED_QUERY"),
    ("DELETE FROM Contact", "MALFORMED_QUERY"),
    ("", "MALFORMED_QUERY"),
])  # fmt: skip
def test_a_query_that_is_refused(salesforce, soql, code) -> None:
    refused = salesforce.get("/query", params={"q": soql})
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, code)


# ---- searches ----
@pytest.mark.parametrize("find, found", [
    (r'"\+55 11 98765\-4321"', ["Beatriz"]),
    (r'"\+5511987654321"', []),  # one word is not four
    ('"11 98765 4321"', ["Beatriz"]),  # signs part words
    ('"415 555 0123"', ["Dana"]),  # so do brackets
    ("4155550123", []),
    ("51987555*", ["Milagros", "Óscar"]),
    ("51987555142", ["Milagros"]),
    (r'51987555142 OR "415 555 0123"', ["Milagros", "Dana"]),
    (r"555 0123", ["Dana"]),  # two terms, both must match
    (r'"987 555 190" OR 51987555190', ["Mónica", "Óscar"]),
])  # fmt: skip
def test_phones_are_searched_by_their_words(salesforce, find, found) -> None:
    assert sorted(searched(salesforce, find)) == sorted(found)


def test_only_phone_fields_are_searched(salesforce) -> None:
    assert searched(salesforce, "Beatriz") == []
    assert searched(salesforce, "Beatriz", group="NAME") == ["Beatriz"]
    assert searched(salesforce, "padariasouza", group="EMAIL", returning="Contact(FirstName)") == ["Rafael", "Beatriz"]


def test_a_condition_and_a_limit_inside_returning(salesforce) -> None:
    helena = '"51 99555 0195"'
    both = "Contact(FirstName), Lead(FirstName WHERE IsConverted = false LIMIT 5)"
    assert searched(salesforce, helena) == ["Helena", "Helena"]
    assert searched(salesforce, helena, both) == ["Helena"]
    assert searched(salesforce, helena, "Contact(FirstName LIMIT 0)") == []


@pytest.mark.parametrize("find", ["+5511987654321", "(415) 555", '"55-1"', "a", "*5551212", "", "OR 5551212", "a{b}"])
def test_a_search_that_is_refused(salesforce, find) -> None:
    text = f"FIND {{{find}}} IN PHONE FIELDS RETURNING Contact(Id)"
    refused = salesforce.get("/search/", params={"q": text})
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "MALFORMED_SEARCH")


def test_over_4000_characters_the_ors_are_dropped(salesforce) -> None:
    terms = ["51987555142", *(f"5255512{n:05d}" for n in range(200))]
    assert searched(salesforce, " OR ".join(terms[:100])) == ["Milagros"]
    assert len(" OR ".join(terms)) < 4000 < len(" OR ".join(terms * 2))
    assert searched(salesforce, " OR ".join(terms * 2)) == []


def test_two_objects_share_the_rows(salesforce) -> None:
    for batch in range(2):
        new = [{"attributes": {"type": "Contact"}, "LastName": f"{batch}-{n}", "Phone": "777 1234"} for n in range(200)]
        salesforce.post("/composite/sobjects", json={"records": new}).raise_for_status()
    assert len(searched(salesforce, '"777 1234"')) == 250
    assert len(searched(salesforce, '"777 1234"', "Contact(FirstName)")) == 400


def test_the_search_index_lags_when_told_to(salesforce, sandbox, switch) -> None:
    switch("salesforce", search_lag=30)
    salesforce.post("/sobjects/Contact", json={"FirstName": "Nora", "LastName": "Paz", "Phone": "+573005550001"})
    assert searched(salesforce, "573005550001") == []
    sandbox.post("/_clock", json={"advance": 31}).raise_for_status()
    assert searched(salesforce, "573005550001") == ["Nora"]


def test_a_parameterized_search(salesforce) -> None:
    body = {"q": "51987555142", "in": "PHONE", "fields": ["FirstName"], "sobjects": [{"name": "Contact", "limit": 3}]}
    found = salesforce.post("/parameterizedSearch", json=body).json()["searchRecords"]
    assert [row["FirstName"] for row in found] == ["Milagros"]
