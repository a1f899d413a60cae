"""What the API does about one person as the law asks: everything given out, everything erased."""

from typing import Any

from connector import errors
from connector.pipeline.people import privacy
from connector.pipeline.views import people
from connector.store import audit, tasks
from connector.web.api.calls import Call, Strict, found, text
from connector.web.auth import person
from connector.web.house import House

Values = dict[str, Any]
ERASE = "contact.erase"


class Sure(Strict):
    """Who is meant, once more: the contact's phone, else their WhatsApp user id, else their id."""

    sure = text(200, required=True)


def export_contact(house: House, given: Values, id: str) -> Any:
    """Everything that is stored about one person; it is noted that somebody took it."""
    del given
    told = privacy.export(house.store, id)
    with house.store.write() as conn:
        audit.append(conn, person().name, "contact.export", id, None, house.clock.now())
    return told


def erase_contact(house: House, given: Values, id: str) -> Any:
    """A worker erases them; there is no way back."""
    now = house.clock.now()
    with house.store.read() as conn:
        known = found(people.contact(conn, house.names(), now, id), "contact")
    said = known.who.phone or known.who.user_id or known.who.id
    if "".join(given["sure"].split()) != said:
        raise errors.Rejected("This is not the person's phone.", hint="Send it as `sure`.", code="sure")
    with house.store.write() as conn:
        task = tasks.add(conn, ERASE, {"contact": known.who.id}, person().name, now)
        audit.append(conn, person().name, "contact.erase_ask", known.who.id, {"task": task}, now)
    house.ring("task")
    return {"task": task}


CALLS = (
    Call("POST", "/contacts/<id>/export", "admin", "contacts", "Everything stored about one person", export_contact),
    Call("POST", "/contacts/<id>/erase", "admin", "erase", "Erase one person", erase_contact, Sure, status=202),
)
