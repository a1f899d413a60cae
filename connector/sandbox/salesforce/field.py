"""One field of a Salesforce object, as describe shows it."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `hidden`: it exists, but no permission set has opened it to our user yet."""

    name: str
    label: str
    type: str = "string"
    length: int = 0
    options: tuple[str, ...] = ()
    restricted: bool = False
    digits: tuple[int, int] = (0, 0)  # before the point, after it
    to: tuple[str, ...] = ()  # objects a reference may point at
    required: bool = False
    read_only: bool = False
    external: bool = False
    unique: bool = False
    hidden: bool = False

    @property
    def indexed(self) -> bool:
        """Whether records can be found by it at once."""
        return self.external or self.unique or self.type == "email"

    @property
    def custom(self) -> bool:
        """Whether an admin made it."""
        return self.name.endswith("__c")

    @property
    def relationship(self) -> str | None:
        """The name a query follows a reference by: Account for AccountId."""
        if not self.to:
            return None
        return self.name.removesuffix("Id") if not self.custom else self.name.removesuffix("c") + "r"

    def shown(self) -> dict[str, Any]:
        """As describe answers."""
        whole, scale = self.digits
        return {
            "name": self.name, "label": self.label, "type": self.type, "length": self.length,
            "precision": whole + scale, "scale": scale, "digits": whole if self.type == "int" else 0,
            "createable": not self.read_only, "updateable": not self.read_only,
            "nillable": not self.required and self.type not in ("id", "boolean"),
            "defaultedOnCreate": self.type == "boolean" or self.name == "OwnerId", "custom": self.custom,
            "restrictedPicklist": self.restricted, "externalId": self.external, "unique": self.unique,
            "calculated": False, "caseSensitive": False, "idLookup": self.external or self.type == "id",
            "filterable": self.type != "textarea", "referenceTo": list(self.to), "relationshipName": self.relationship,
            "dependentPicklist": False, "controllerName": None,
            "picklistValues": [
                {"value": value, "label": value, "active": True, "defaultValue": False, "validFor": None}
                for value in self.options
            ],
        }  # fmt: skip
