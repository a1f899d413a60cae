"""One thing that does not fit a template: a finding in a list, or raised when a message cannot be made."""

from connector.errors import GiveUp


class Misfit(GiveUp):
    """`code` is stable, `key` is the value or field it is about, `text` says what is wrong and never holds a value."""

    def __init__(self, code: str, key: str, text: str, hint: str = "") -> None:
        super().__init__(text, hint=hint, code=code)
        self.key, self.text = key, text

    def _facts(self) -> tuple[str, str, str, str]:
        return self.code, self.key, self.text, self.hint

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Misfit) and self._facts() == other._facts()

    def __hash__(self) -> int:
        return hash(self._facts())

    def __repr__(self) -> str:
        return "Misfit({!r}, {!r}, {!r}, {!r})".format(*self._facts())
