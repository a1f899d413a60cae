"""The base of every map of words in a document."""

from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, validates_schema

from connector.core.documents.findings import Problem, did_you_mean, listed


class Strict(Schema):
    """A map in which an unknown word is an error that says which one was meant."""

    class Meta:
        unknown = EXCLUDE

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _known(self, data: Any, original: Any, **_: Any) -> None:
        del data
        known = [f.data_key or name for name, f in self.fields.items()]
        given = original if isinstance(original, dict) else ()
        wrong = {key: [_unknown(key, known)] for key in given if key not in known}
        if wrong:
            raise ValidationError(wrong)


def _unknown(key: str, known: list[str]) -> Problem:
    meant = did_you_mean(key, known) or f"It takes {listed(known)}."
    return Problem(f"'{key[:60]}' is not a word of this place.", code="unknown", hint=meant)


def told(about: str, example: str = "") -> dict[str, Any]:
    """What the reference and editors say of a word."""
    return {"about": about} | ({"example": example} if example else {})
