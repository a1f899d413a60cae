"""What the pages work with; the composition root hands it in."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from connector.ports import Account, Clock, Manifest
from connector.store.engine import Store
from connector.store.secrets import Keyring
from connector.web.limits import Limiter


@dataclass(frozen=True, slots=True)
class House:
    """One web process's connections, as far as pages need them. Nothing here loads an SDK."""

    store: Store
    keyring: Keyring
    clock: Clock
    ring: Callable[..., None]  # bells, by name
    accounts: Callable[[], Sequence[Account]]
    hook: Callable[[Account], str]  # the path of its webhook, with its secret where it has one; "" = we call it
    manifests: Mapping[str, Manifest]  # every kind that can be connected
    public_url: str  # no slash at the end
    sandbox: str = ""  # address of the sandbox on this machine, "" = none runs
    proxies: int = 0  # that stand in front of us: a caller's address is what the outermost of them saw
    guesses: Limiter = field(default_factory=Limiter)  # tokens and one-time links that are none
    alarm_targets: Mapping[str, str] = field(default_factory=dict)  # webhook, email: where alarms go
    checks: Mapping[str, Callable[[], str]] = field(default_factory=dict)  # redis, workers: "ok", or what is wrong

    @property
    def https(self) -> bool:
        """The console is reached over TLS: its cookie is then for TLS only."""
        return self.public_url.startswith("https://")

    def names(self) -> dict[str, str]:
        """The accounts' names by id."""
        return {account.id: account.name for account in self.accounts()}
