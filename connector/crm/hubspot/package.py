"""A HubSpot project, ready to upload: our app with its scopes, webhooks and the workflow action. Imports no SDK.

`hs project upload` makes of it a private app of one account (static auth, or OAuth). Its client secret signs every
call to us.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from connector.crm.hubspot import consent
from connector.crm.hubspot import package_words as words
from connector.errors import Rejected
from connector.ports import Files, Packing

PLATFORM = "2026.03"  # of HubSpot's developer projects; each is supported for a while after the next
OBJECTS = ("contact", "deal", "company", "ticket")
SCOPES = (
    "crm.objects.contacts.read", "crm.objects.contacts.write", "crm.schemas.contacts.read",
    "crm.schemas.contacts.write", "crm.objects.deals.read", "crm.objects.deals.write", "crm.schemas.deals.read",
    "crm.objects.companies.read", "crm.objects.companies.write", "crm.schemas.companies.read",
    "crm.objects.owners.read", "tickets", "crm.lists.read", "files",  # broadcasts to lists; customers' files on records
)  # fmt: skip
EVENTS = ("object.creation", "object.deletion", "object.merge", "object.restore")
# What a send: document is most often started by; name others with --property deal.my_date.
PROPERTIES: Mapping[str, Sequence[str]] = {
    "contact": ("lifecyclestage", "hs_lead_status", "phone", "mobilephone", "email", "hubspot_owner_id"),
    "deal": ("dealstage", "amount", "closedate", "hubspot_owner_id"),
}
NOT_SUBSCRIBABLE = frozenset({"hs_lastmodifieddate", "lastmodifieddate", "num_unique_conversion_events"})
MOST = 1_000  # subscriptions of an app (webhooks guide)
CONCURRENT = 10
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def files(
    url: str, account: str, properties: Mapping[str, Sequence[str]] = PROPERTIES, *, workflows: bool = True,
    oauth: bool = False,
) -> dict[str, str]:  # fmt: skip
    """Path -> text of a whole project. `url` is our public https address; without `workflows`, webhooks alone.
    `oauth`: it is connected by a person's leave and not by a token.

    Raises Rejected for an address, name or property that HubSpot would not take."""
    if not re.fullmatch(r"https://[^\s/?#@]+(/[^\s?#]*)?", url):
        raise Rejected(f"{url!r} is not a public https address.", hint="HubSpot calls only https.", code="url")
    if not _NAME.fullmatch(account):
        raise Rejected(f"The account name {account!r} cannot be part of an address.", code="account")
    hook = f"{url.rstrip('/')}/hooks/crm/{account}"
    found: dict[str, Any] = {
        "hsproject.json": {"name": f"whatsapp-connector-{account}", "srcDir": "src", "platformVersion": PLATFORM},
        "src/app/app-hsmeta.json": _app(
            account, workflows, f"{url.rstrip('/')}/oauth/hubspot/callback" if oauth else ""
        ),
        "src/app/webhooks/webhooks-hsmeta.json": _webhooks(hook, properties),
    }
    if workflows:
        found["src/app/workflow-actions/send-whatsapp-hsmeta.json"] = _action(hook)
    return {path: json.dumps(content, indent=2, ensure_ascii=False) + "\n" for path, content in found.items()}


def pack(wanted: Packing) -> Files:
    """The project of one account: what people mostly wait for, and what its documents wait for."""
    properties = {word: list(fields) for word, fields in PROPERTIES.items()}
    for word, fields in wanted.watched.items():
        properties.setdefault(word, []).extend(fields)
    on = wanted.switches
    return files(wanted.url, wanted.account.name, properties, workflows="no-workflows" not in on, oauth="oauth" in on)


def _app(account: str, workflows: bool, redirect: str) -> dict[str, Any]:
    scopes = [*SCOPES, "automation"] if workflows else list(SCOPES)
    auth: dict[str, Any] = {"type": "static", "requiredScopes": scopes}
    if redirect:  # what a consent page asks for must stand here, or HubSpot refuses it
        optional = [scope for scope in consent.OPTIONAL if workflows or scope != "automation"]
        auth = {"type": "oauth", "redirectUrls": [redirect], "requiredScopes": list(consent.SCOPES)}
        auth |= {"optionalScopes": optional, "conditionallyRequiredScopes": []}
    config = {
        "name": f"WhatsApp connector ({account})",
        "description": "Sends WhatsApp messages when records change, and writes the answers back.",
        "distribution": "private",
        "auth": auth,
        "permittedUrls": {"fetch": [], "iframe": [], "img": []},
    }
    return {"uid": "whatsapp_connector", "type": "app", "config": config}


# ---- webhooks ----------------------------------------------------------------------------------------------------
def _webhooks(hook: str, properties: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    wanted = {
        name: tuple(dict.fromkeys(properties.get(name, ()))) for name in dict.fromkeys([*PROPERTIES, *properties])
    }
    for name, names in wanted.items():
        if wrong := next((one for one in names if one in NOT_SUBSCRIBABLE or not _NAME.fullmatch(one)), None):
            raise Rejected(f"HubSpot sends no webhooks for {name}.{wrong}.", code="property")
    crm = [{"subscriptionType": event, "objectType": name, "active": True} for name in wanted for event in EVENTS]
    crm += [
        {"subscriptionType": "object.propertyChange", "objectType": name, "propertyName": one, "active": True}
        for name, names in wanted.items()
        for one in names
    ]
    if len(crm) >= MOST:
        raise Rejected(f"An app has at most {MOST} webhook subscriptions; these are {len(crm) + 1}.", code="too_many")
    subscriptions = {
        "crmObjects": crm,
        "legacyCrmObjects": [],
        "hubEvents": [{"subscriptionType": "contact.privacyDeletion", "active": True}],
    }
    settings = {"targetUrl": hook, "maxConcurrentRequests": CONCURRENT}
    config = {"settings": settings, "subscriptions": subscriptions}
    return {"uid": "whatsapp_webhooks", "type": "webhooks", "config": config}


# ---- the workflow action -----------------------------------------------------------------------------------------
def _action(hook: str) -> dict[str, Any]:
    config = {
        "actionUrl": f"{hook}/action",
        "isPublished": True,
        "supportedClients": [{"client": "WORKFLOWS"}],
        "objectTypes": [name.upper() for name in OBJECTS],
        "inputFields": [
            _field("message", "enumeration", "select", required=True, optionsUrl=f"{hook}/options"),
            _field("parameters", "string", "textarea", required=False),
            _field("phone", "string", "text", required=False, values=("STATIC_VALUE", "OBJECT_PROPERTY")),
            _field("wait_for", "enumeration", "select", required=False, options=_options(words.WAITS["en"])),
        ],
        "outputFields": [
            _field("state", "enumeration", "select", options=_options(words.STATES)),
            *(_field(name, "string", "text") for name in ("reply", "reply_id", "reason", "errorCode")),
        ],
        "executionRules": [
            *({"labelName": code, "conditions": {"errorCode": code}} for code in words.ERRORS),
            {"labelName": words.OTHER, "conditions": {"state": ["refused", "failed", "expired", "cancelled"]}},
        ],
        "labels": {language: words.labels(language) for language in words.LANGUAGES},
    }
    return {"uid": "send_whatsapp", "type": "workflow-action", "config": config}


def _field(
    name: str,
    type_: str,
    field_type: str,
    *,
    required: bool | None = None,
    values: Sequence[str] = ("STATIC_VALUE",),
    **more: Any,
) -> dict[str, Any]:
    definition = {"name": name, "type": type_, "fieldType": field_type, **more}
    found: dict[str, Any] = {"typeDefinition": definition, "supportedValueTypes": list(values)}
    return found if required is None else found | {"isRequired": required}


def _options(labels: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"value": value, "label": label} for value, label in labels.items()]
