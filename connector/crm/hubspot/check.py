"""The connection check: token, account, scopes, and our two unique fields; with `fix` it creates the fields."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from connector.crm.hubspot import client as hubspot
from connector.crm.hubspot.find import CONTACTS, USER_ID, WA_ID
from connector.crm.hubspot.properties import Properties
from connector.errors import GiveUp, NotAllowed
from connector.ports import Issue

OURS = {
    WA_ID: ("WhatsApp id", "The WhatsApp account of this person (digits). Kept by the WhatsApp connector."),
    USER_ID: ("WhatsApp user id", "The business-scoped WhatsApp user id. Kept by the WhatsApp connector."),
}
GROUP = "contactinformation"  # HubSpot's own group, in every account


@dataclass(frozen=True, slots=True)
class Checker:
    """`check` of the port, over one client."""

    client: hubspot.Client
    properties: Properties
    portal: str
    app: str = ""  # the project app's id, as it was typed
    others: tuple[str, ...] = ()  # objects besides contacts that documents use

    def check(self, *, fix: bool) -> list[Issue]:
        """Findings, the gravest first; [] = all is well. Busy and Unreachable are raised: they say nothing of it."""
        try:
            details = self.client.details()
        except NotAllowed as error:
            return [Issue(error.code, error.message, error.hint)]
        issues = self._portal(str(details.get("portalId") or "")) + self._app() + self._scopes()
        return issues if any(issue.code != "wrong_portal" for issue in issues) else issues + self._ours(fix=fix)

    def _portal(self, actual: str) -> list[Issue]:
        if not self.portal or self.portal == actual:
            return []
        text = f"The token belongs to HubSpot account {actual}, not to {self.portal}."
        return [Issue("wrong_portal", text, "Correct the portal-id, or use a token of the right account.")]

    def _app(self) -> list[Issue]:
        if not self.app or (self.app.isascii() and self.app.isdigit()):
            return []
        text = f"The app id {self.app[:40]!r} is not a number: our own changes cannot be told from others'."
        return [Issue("app_id", text, "HubSpot: Development > Projects > your app; the App ID on its Auth tab.")]

    def _scopes(self) -> list[Issue]:
        """One harmless call per scope: a service key cannot be asked what it may do. An empty batch changes nothing."""
        probes: list[Callable[[], Any]] = [
            lambda: self.client.get(hubspot.objects(CONTACTS), limit="1"),
            lambda: self.client.post(hubspot.objects(CONTACTS, "batch", "update"), {"inputs": []}),
            lambda: self.properties.of(CONTACTS, fresh=True),
            lambda: self.client.get(hubspot.OWNERS, limit="1"),
        ]
        for name in self.others:
            probes += self._probes(name)
        found: dict[str, Issue] = {}
        for probe in probes:
            try:
                probe()
            except NotAllowed as error:
                found[error.message] = Issue(error.code, error.message, error.hint)
            except GiveUp:
                continue  # it got past the scopes, which is what was asked
        return list(found.values())

    def _probes(self, name: str) -> list[Callable[[], Any]]:
        """Reading, writing, describing one more object, and who belongs to it."""
        return [
            lambda: self.client.get(hubspot.objects(name), limit="1"),
            lambda: self.client.post(hubspot.objects(name, "batch", "update"), {"inputs": []}),
            lambda: self.properties.of(name, fresh=True),
            lambda: self.client.post(hubspot.associations(name, CONTACTS), {"inputs": []}),
        ]

    def _ours(self, *, fix: bool) -> list[Issue]:
        issues = []
        present = self.properties.of(CONTACTS)
        for name in OURS:
            if name in present and present[name].unique:
                continue
            if name in present:
                hint = "HubSpot sets uniqueness only at creation: delete that property, then run the check with --fix."
                issues.append(Issue("field_not_unique", f"The contact property {name} exists but is not unique.", hint))
            elif not fix:
                hint = "Run `connector accounts check --fix` to create it."
                issues.append(Issue("field_missing", f"HubSpot has no contact property {name}.", hint, fix=True))
            else:
                issues += self._create(name)
        if fix:
            self.properties.of(CONTACTS, fresh=True)
        return issues

    def _create(self, name: str) -> list[Issue]:
        label, description = OURS[name]
        body = {
            "groupName": GROUP,
            "name": name,
            "label": label,
            "description": description,
            "type": "string",
            "fieldType": "text",
            "hasUniqueValue": True,
            "formField": False,
        }
        try:
            self.client.post(hubspot.properties(CONTACTS), body)
        except NotAllowed as error:
            return [Issue(error.code, error.message, error.hint)]
        except GiveUp as error:
            if self.properties.of(CONTACTS, fresh=True).get(name):
                return []  # somebody else created it at this moment
            hint = "HubSpot allows ten unique properties per object: delete one that is no longer used."
            return [Issue("field_not_created", f"HubSpot did not create {name}: {error.message}", hint)]
        return []
