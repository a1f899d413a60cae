"""One send through its gates, in the order of the design; the first that stops it is the reason."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from connector.core import quiet
from connector.core import template as templates_
from connector.core.documents import send_gates as gates
from connector.core.documents.comparing import shown, truthy
from connector.core.documents.document import SendDocument
from connector.core.documents.send_gates import Stop
from connector.core.documents.send_words import SEND, SendScope, scope_of
from connector.core.quiet import QuietHours
from connector.core.sending import Case, Prepared
from connector.core.template import Misfit, Template
from connector.core.template.model import component, fill


def prepare(document: SendDocument, case: Case, templates: Sequence[Template], now: datetime) -> Prepared:
    """What becomes of one send now; a value that does not do is a refusal with its code, never an error."""
    return _Desk(document, case, templates, now).prepared()


def gates_of(
    document: SendDocument, case: Case, templates: Sequence[Template], now: datetime
) -> list[tuple[str, Stop | None]]:
    """Every gate in order, with what it says: a person who tries a document sees them all, not only the first."""
    desk = _Desk(document, case, templates, now)
    return [(gate.__name__, gate(desk)) for gate in _GATES]


_GO = Stop("", "", "ready")


class _Desk:
    """One send on its way through the gates."""

    def __init__(self, document: SendDocument, case: Case, templates: Sequence[Template], now: datetime) -> None:
        self.document, self.case, self.now = document, case, now
        self.scope = scope_of(document, case, now)
        self.template, self.no_template = gates.choose(document, self.scope, templates, now)
        self.category = self._category(templates)
        self.to = ""
        self.body: Mapping[str, Any] | None = None
        self.text = ""  # what the person will read
        wait = document.give_up_after
        self.give_up_at = (case.created_at or now) + wait if wait is not None else None

    def _category(self, templates: Sequence[Template]) -> str:
        """Also of a template that cannot be used: its consent comes first."""
        if self.template is not None:
            return self.template.category
        return next((t.category for t in templates if t.name == self.document.template), "")

    def prepared(self) -> Prepared:
        stop = next((stop for gate in _GATES if (stop := gate(self))), None)
        if stop is not None and stop.state == "waiting":
            stop = self.give_up() or stop  # a template that stays paused is not waited for without end
        at = stop or _GO
        return Prepared(
            state=at.state,
            code=at.code,
            reason=at.reason,
            until=at.until,
            to=self.to,
            template=self.document.template,
            language=self.template.language if self.template else "",
            category=self.category,
            body=self.body,
            buttons=self._buttons() if stop is None else {},
            context=context_of(self.document, self.scope, self.text),
            give_up_at=self.give_up_at,
            quiet_from=self._quiet_from() if stop is None else None,
        )

    def _buttons(self) -> dict[str, str]:
        labels = templates_.labels(self.template) if self.template is not None else []
        return dict(zip(labels, self.document.buttons, strict=False))

    def _zones(self, hours: QuietHours) -> tuple[str, ...]:
        contact, setting = self.case.contact, self.case.setting
        zone = contact.time_zone if contact else None
        return quiet.zones_for(hours.zone, zone, self.to or None, setting.time_zone)

    def _quiet_from(self) -> datetime | None:
        hours = self.document.quiet
        return quiet.closes(hours, self.now, self._zones(hours)) if hours is not None else None

    # ---- the gates, in their order ---------------------------------------------------------------------------------
    def consent(self) -> Stop | None:
        return gates.consent(self.document, self.case.contact, self.category)

    def phone(self) -> Stop | None:
        self.to, stop = gates.recipient(self.document, self.scope)
        return stop

    def contract(self) -> Stop | None:
        if self.no_template is not None or self.template is None:
            return self.no_template
        wrong = templates_.misfits(self.template, self.document.values.keys(), len(self.document.buttons))
        if not wrong:
            return None
        name = f"{self.template.name} ({self.template.language})"
        said = f"The document does not fit the template {name}: {wrong[0].text} {wrong[0].hint}"
        return Stop("template", said.strip())

    def cancel_if(self) -> Stop | None:
        condition = self.document.cancel_if
        if condition is None or not truthy(condition.run(self.scope)):
            return None
        return Stop("cancelled", f"Not wanted any more: {condition.text}", "cancelled")

    def give_up(self) -> Stop | None:
        if self.give_up_at is None or self.now < self.give_up_at:
            return None
        return Stop(
            "give_up", f"It waited until {shown(self.give_up_at)}; give_up_after says it is too late.", "expired"
        )

    def at_most(self) -> Stop | None:
        limit = self.document.at_most
        if limit is None:
            return None
        said = limit.reached(self.case.sent_at, self.now)
        return Stop("at_most", f"The person got {self.document.name} {said}.") if said else None

    def quiet_hours(self) -> Stop | None:
        hours = self.document.quiet
        if hours is None:
            return None
        zones = self._zones(hours)
        if quiet.allowed(hours, self.now, zones):
            return None
        where = zones[0] if len(zones) == 1 else f"one of the {len(zones)} time zones of the phone's country"
        said = f"It is outside {hours.start:%H:%M}-{hours.end:%H:%M} in {where}"
        if hours.otherwise == "refuse":
            return Stop("quiet_hours", f"{said}, and the document says refuse.")
        try:
            until = quiet.next_allowed(hours, self.now, zones)
        except quiet.NeverAllowed as never:
            return Stop("quiet_hours", str(never))
        if self.give_up_at is not None and until > self.give_up_at:
            late = f"until {shown(until)}, and give_up_after ends before that."
            return Stop("quiet_hours", f"{said} {late}", "expired")
        return Stop("quiet_hours", f"{said}; it waits until {shown(until)}.", "waiting", until)

    def render(self) -> Stop | None:
        if self.template is None:
            return self.no_template
        values = {key: shown(e.run(self.scope)) for key, e in self.document.values.items()}
        try:
            self.body = templates_.render(self.template, values, self.document.buttons)
        except Misfit as wrong:
            return Stop("parameter", _parameter(self.document, wrong))
        self.text = fill(str((component(self.template.components, "BODY") or {}).get("text") or ""), values)
        return None


def _parameter(document: SendDocument, wrong: Misfit) -> str:
    """Which parameter, where its value comes from, what is wrong with it."""
    expression = document.values.get(wrong.key)
    source = f" ({expression.text})" if expression is not None and not expression.constant else ""
    where = f"`{wrong.key}`{source}: " if wrong.key else ""
    return f"{where}{wrong.text} {wrong.hint}".strip()


_GATES = (
    _Desk.consent, _Desk.phone, _Desk.contract, _Desk.cancel_if, _Desk.give_up, _Desk.at_most, _Desk.quiet_hours,
    _Desk.render,
)  # fmt: skip


def context_of(document: SendDocument, scope: SendScope, text: str) -> dict[str, Any]:
    """What `after:` will ask for, as JSON: later the record may say something else."""
    kept: dict[str, dict[str, Any]] = {"record": {}, "contact": {}, "webhook": {}}
    for path in document.keeps:
        if path[0] == "contact":
            kept["contact"][path[1]] = SEND.look["contact"](path[1:])(scope)
        elif path[0] == "webhook":
            kept["webhook"][path[1]] = scope.called.get(path[1])
        elif path[0] not in ("failure", "now", "number") and scope.record is not None:
            kept["record"][path[1]] = scope.record.fields.get(path[1])
    logs = any(step.log != "none" for step in document.after.values())
    return {name: values for name, values in kept.items() if values} | ({"text": text} if text and logs else {})
