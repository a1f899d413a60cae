"""Where an item stands: the entry and change around it."""

from dataclasses import dataclass

from connector.whatsapp.values import Json, part, parts, text


@dataclass(slots=True)
class Scope:
    """One `changes[]` element: what its items need to know besides themselves."""

    field: str  # messages, account_update, ...
    value: Json
    entry: Json
    deep: bool = False  # the body may hold nesting that must be looked for
    number: str = ""  # phone_number_id
    owner: str = ""  # what the items belong to: the number, else the account
    _people: dict[str, Json] | None = None

    def __post_init__(self) -> None:
        self.number = text(part(self.value, "metadata"), "phone_number_id")
        # PARTNER_* entries carry the id of a business portfolio; the account then stands in waba_info
        waba = text(part(self.value, "waba_info"), "waba_id")
        self.owner = self.number or waba or text(self.entry, "id")

    def person(self, wa_id: str | None, user_id: str | None) -> Json:
        """The entry of `contacts[]` with one of these ids, {} if there is none. Position means nothing in a batch."""
        if self._people is None:
            self._people = {}
            for contact in parts(self.value, "contacts"):
                for key in (text(contact, "wa_id"), text(contact, "user_id")):
                    if key:
                        self._people.setdefault(key, contact)
        return self._people.get(user_id or "") or self._people.get(wa_id or "") or {}
