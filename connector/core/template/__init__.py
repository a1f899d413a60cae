"""A template as Meta approved it: its placeholders, what fits them, and the message that fills them."""

from connector.core.template.drawn import Drawn, draw, draw_body, values_of
from connector.core.template.fill import render
from connector.core.template.fit import compatible, misfits
from connector.core.template.misfit import Misfit
from connector.core.template.model import Template, from_graph
from connector.core.template.preview import fit_example, preview
from connector.core.template.rules import rules
from connector.core.template.slots import ButtonSlot, Slots, labels, slots

__all__ = [
    "ButtonSlot",
    "Drawn",
    "Misfit",
    "Slots",
    "Template",
    "compatible",
    "draw",
    "draw_body",
    "fit_example",
    "from_graph",
    "labels",
    "misfits",
    "preview",
    "render",
    "rules",
    "slots",
    "values_of",
]
