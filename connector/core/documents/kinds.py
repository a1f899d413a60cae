"""The kinds of documents. A new kind is a module with SCHEMA, `problems` and `compile_document`, and one line here."""

from types import ModuleType

from connector.core.documents import flow, mapping, send

KINDS: dict[str, ModuleType] = {"mapping": mapping, "send": send, "flow": flow}
