"""Conversations: (document, state, event) -> what happens next. Pure: the same inputs give the same move for ever."""

from connector.core.documents.flow_machine import advance, begin, move_to, outranks, resume, starts
from connector.core.flow_state import Move, State, dump, load

__all__ = ["Move", "State", "advance", "begin", "dump", "load", "move_to", "outranks", "resume", "starts"]
