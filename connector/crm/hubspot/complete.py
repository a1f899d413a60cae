"""Workflows that wait for us are told to go on: one call for a hundred, each alone when a batch is refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from connector.core.changes import Outcome
from connector.crm.batch import chunks
from connector.crm.hubspot import client as hubspot
from connector.crm.hubspot.faults import Refusal
from connector.errors import NotFound
from connector.ports import ActionDone

BATCH = 100
LONGEST = 65_536  # characters of an output
OUTPUTS = {"error_code": "errorCode"}  # HubSpot's own word: execution rules turn it into words for the admin
GONE = "HubSpot no longer waits for this step: it expired, was answered already, or its workflow was ended."
DONE = Outcome(state="done", text="The workflow goes on.")


@dataclass(frozen=True, slots=True)
class Completer:
    """`complete` of the port. It may be repeated: a step goes on once, the second time HubSpot knows it no more."""

    client: hubspot.Client

    def complete(self, actions: Sequence[ActionDone]) -> list[Outcome]:
        """Same length, same order; Busy, Unreachable and NotAllowed are raised."""
        outcomes: list[Outcome] = []
        for part in chunks(actions, BATCH):
            outcomes += self._batch(part)
        return outcomes

    def _batch(self, part: Sequence[ActionDone]) -> list[Outcome]:
        """One expired step refuses the batch it is in: each is then told alone."""
        if len(part) > 1 and len({action.callback for action in part}) == len(part):
            inputs = [{"callbackId": action.callback, **outputs(action)} for action in part]
            try:
                self.client.post(f"{hubspot.CALLBACKS}/complete", {"inputs": inputs})
                return [DONE] * len(part)
            except (NotFound, Refusal):
                pass  # not one of them: which, the single calls tell
        return [self._one(action) for action in part]

    def _one(self, action: ActionDone) -> Outcome:
        try:
            self.client.post(hubspot.callback(action.callback), outputs(action))
        except NotFound:
            return Outcome(state="refused", text=GONE, code="not_waiting")
        except Refusal as refused:
            return Outcome(
                state="refused", text=f"HubSpot did not take the result: {refused.message}", code=refused.code
            )
        return DONE


def outputs(action: ActionDone) -> dict[str, Any]:
    """`outputFields`: what the workflow can branch on, and how the step ended."""
    values = {OUTPUTS.get(name, name): _cut(str(value)) for name, value in action.values.items()}
    return {"outputFields": {**values, "hs_execution_state": "SUCCESS" if action.ok else "FAIL_CONTINUE"}}


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
