"""The mapping language: text an admin wrote -> a compiled document -> a plan for each message."""

from connector.core.documents.describe import json_schema, reference
from connector.core.documents.document import Document, MappingDocument
from connector.core.documents.evaluate import could_match, evaluate, evaluate_all
from connector.core.documents.findings import Finding
from connector.core.documents.kinds import KINDS
from connector.core.documents.lint import check, check_together
from connector.core.documents.load import read
from connector.core.documents.trials import TestResult, run_tests
from connector.errors import BadDocument

__all__ = [
    "KINDS",
    "BadDocument",
    "Document",
    "Finding",
    "MappingDocument",
    "TestResult",
    "check",
    "check_together",
    "could_match",
    "evaluate",
    "evaluate_all",
    "json_schema",
    "read",
    "reference",
    "run_tests",
]
