"""The sandbox as connected systems: accounts, webhooks, the example documents, a first message to answer."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from connector import errors
from connector.base import hook_path, kinds
from connector.config import local_url
from connector.connections import Connections
from connector.ids import new_id
from connector.pipeline.chores.tasks import Progress
from connector.pipeline.documents import publish
from connector.pipeline.documents.publish import Verdict
from connector.pipeline.intake.imports import import_sends
from connector.store import documents
from connector.store.tasks import Task
from connector.web.sandbox import Sandbox
from connector.works.accounts import check

EXAMPLES = Path(__file__).parent.parent / "examples"  # in the wheel; in a checkout they are ./mappings
SLOW = 30.0  # seconds a call may take here: nobody looks at a page meanwhile
LOOPBACK = ("127.0.0.1", "localhost", "::1")

# The accounts that the sandbox plays, each by its kind's name.
PLAYED = {kind: manifest.stand_in for kind, manifest in kinds().items() if manifest.stand_in is not None}
ACCOUNTS = {kind: (dict(one.settings), dict(one.secrets)) for kind, one in PLAYED.items()}
# The first message: Ana's invitation, as a mailing tool would have sent it.
INVITED, INVITATION = "573001112222", "webinar_invite_v2"
INVITE = {"template": INVITATION, "language": "es", "buttons": ["interested", "later", "no"]}


def connect_task(connections: Connections, task: Task, progress: Progress) -> dict[str, Any]:
    """{} -> {accounts, documents, invited}. Repeating it changes nothing but that Ana gets one more invitation."""
    del task
    if not connections.config.sandbox_url:
        raise errors.Rejected("No sandbox runs here.", hint="Start with: connector up --sandbox", code="no_sandbox")
    sandbox = Sandbox(connections.config.sandbox_url, SLOW)
    sandbox.people()  # it answers, before anything is stored
    progress(0, 5)
    connect(connections, sandbox)
    progress(1, 5)
    for name in ACCOUNTS:
        account = connections.account(name)
        assert account is not None
        check(connections, account, fix=True)
    progress(2, 5)
    subscribe(connections, sandbox, house(connections))
    progress(3, 5)
    done = publish_new(connections, examples())
    progress(4, 5)
    invite(connections, sandbox, INVITED, INVITE)
    progress(5, 5)
    return {"accounts": list(ACCOUNTS), "documents": done, "invited": INVITED}


def connect(connections: Connections, sandbox: Sandbox) -> None:
    """Its accounts. Raises Rejected where one of our names is a real account's."""
    known = kinds()
    for kind in ACCOUNTS:
        old = connections.account(kind)
        if old is not None and not str(old.settings.get("base_url") or "").startswith(sandbox.url):
            text = f"There is an account named {kind} already, and it is not the sandbox's."
            raise errors.Rejected(text, hint="The sandbox is for a house without real accounts.", code="name_taken")
    ours = house(connections)
    for kind, (plain, secret) in ACCOUNTS.items():
        given = {**plain, "base_url": sandbox.url + plain["base_url"]}
        if ours != connections.config.public_url:
            given["public_url"] = ours  # a CRM may sign the address it calls
        connections.add_account(known[kind], kind, given, dict(secret))


def connected(connections: Connections, sandbox: Sandbox) -> bool:
    """All of its accounts are there."""
    found = [connections.account(name) for name in ACCOUNTS]
    return all(a is not None and str(a.settings.get("base_url") or "").startswith(sandbox.url) for a in found)


def house(connections: Connections) -> str:
    """Our web address as the sandbox may call it: it talks to this machine only."""
    config = connections.config
    public = urlsplit(config.public_url).hostname in LOOPBACK
    return config.public_url if public else local_url(config.host, config.port)


def subscribe(connections: Connections, sandbox: Sandbox, web: str) -> None:
    """Every service's webhooks come to our web process, as an admin would set them up."""
    for name, played in PLAYED.items():
        account = connections.account(name)
        assert account is not None
        sandbox.subscribe(played.service, web + hook_path(account))


def examples() -> list[str]:
    """The texts of the example documents, in name order."""
    checkout = EXAMPLES.parent.parent / "mappings"
    folder = EXAMPLES if EXAMPLES.is_dir() else checkout
    return [path.read_text("utf-8") for path in sorted(folder.glob("*.yaml"))]


def publish_all(connections: Connections, texts: Sequence[str], author: str) -> list[Verdict]:
    """Judges every text against the CRMs and templates of now, and publishes those that are good."""
    look, templates = connections.fields_of(refresh=True), connections.templates_of(refresh=True)
    verdicts = [publish.judge(text, look, templates) for text in texts]
    good = [v.document for v in verdicts if v.good and v.document is not None]
    publish.push(connections.store, good, author, connections.clock.now(), base={}, force=True)
    return verdicts


def publish_new(connections: Connections, texts: Sequence[str]) -> list[str]:
    """The examples that nobody has made their own yet; the names of all that are live then."""
    with connections.store.read() as conn:
        known = {row.name for row in documents.live(conn)}
    fresh = [text for text in texts if _name(text) not in known]
    verdicts = publish_all(connections, fresh, "sandbox")
    return sorted(known | {v.document.name for v in verdicts if v.good and v.document is not None})


def _name(text: str) -> str:
    """What stands after `mapping:` or `send:` on the first line that has it."""
    first = next((line for line in text.splitlines() if line.strip() and not line.startswith("#")), "")
    return first.partition(":")[2].partition("#")[0].strip()


def invite(connections: Connections, sandbox: Sandbox, to: str, message: Mapping[str, Any]) -> str:
    """A message of another tool's, on the customer's phone and known to us; its wamid."""
    wamid = sandbox.carry(to, dict(message))
    at = (connections.clock.now() - timedelta(seconds=1)).isoformat()
    row = {"wamid": wamid, "to": to, "template": message.get("template") or "", "sent_at": at}
    import_sends(connections.store, [row], connections.clock.now())
    return wamid


def made_up() -> str:
    """The id of a message that no phone shows."""
    return f"wamid.{new_id()}"
