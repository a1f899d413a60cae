"""The documents' language: text an admin wrote -> a compiled document -> a plan for each message, or a message."""

from connector.core.documents.describe import json_schema, reference
from connector.core.documents.document import AtMost, Document, MappingDocument, SendDocument, Watch
from connector.core.documents.evaluate import could_match, evaluate, evaluate_all
from connector.core.documents.findings import Finding
from connector.core.documents.flow_document import FlowDocument
from connector.core.documents.flow_graph import ways
from connector.core.documents.flow_making import make_test
from connector.core.documents.flow_simulate import simulate
from connector.core.documents.kinds import KINDS
from connector.core.documents.lint import check, check_together
from connector.core.documents.load import kind_and_name, read
from connector.core.documents.send_fires import fires, wanted
from connector.core.documents.send_gates import phone_of
from connector.core.documents.send_prepare import prepare
from connector.core.documents.send_shown import show, show_sample
from connector.core.documents.send_truth import truth
from connector.core.documents.trials import TestResult, options_of, plan_of, run_tests
from connector.errors import BadDocument

__all__ = [
    "KINDS",
    "AtMost",
    "BadDocument",
    "Document",
    "Finding",
    "FlowDocument",
    "MappingDocument",
    "SendDocument",
    "TestResult",
    "Watch",
    "check",
    "check_together",
    "could_match",
    "evaluate",
    "evaluate_all",
    "fires",
    "json_schema",
    "kind_and_name",
    "make_test",
    "options_of",
    "phone_of",
    "plan_of",
    "prepare",
    "read",
    "reference",
    "run_tests",
    "show",
    "show_sample",
    "simulate",
    "truth",
    "wanted",
    "ways",
]
