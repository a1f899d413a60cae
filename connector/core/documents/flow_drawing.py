"""A flow laid out as a vertical tree: rows from top to bottom, each with its depth. No positions stand in a document.

A branch stands under its step, one deeper; steps that follow without a choice stay at one depth; where ways join
again, the step stands behind the branches, at the depth of the step they all came from (its immediate dominator, by
Cooper, Harvey and Kennedy 2001). So ways lead downward, and only a way back leads up."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from connector.core.documents.comparing import length
from connector.core.documents.flow_document import FlowDocument, FlowStep
from connector.core.documents.flow_graph import Way, ways, ways_of
from connector.core.documents.tree import Map, Node, Text

START, JUMP, STEP = "start", "jump", "step"
LONGEST = 160  # characters of what a step says
_SPOKEN = ("ask", "say", "caption")  # words whose text is what the step says
# The first that a step has is what it is drawn as.
_KINDS = (
    ("buttons", "buttons"), ("list", "list"), ("location", "location"), ("form", "form"), ("media", "media"),
    ("template", "template"), ("contact", "contact"), ("wait", "wait"), ("handoff", "handoff"), ("start", "flow"),
    ("ask", "ask"), ("say", "say"), ("link", "say"),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One step as it is drawn. `joins`: steps whose ways come together here."""

    name: str
    kind: str  # ask buttons list location form media template wait handoff flow say act
    says: str = ""
    keeps: tuple[str, ...] = ()  # what it saves and remembers
    sets: tuple[str, ...] = ()  # fields it sets
    end: str = ""
    more: str = ""  # how long it waits, which flow it starts, which template goes out
    line: int = 1
    joins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the drawing: a step, or (`to`) a way that leads to a step drawn elsewhere.

    `by`: how one gets here: "" (it follows), answer if no_answer; `up`: the step stands further up."""

    depth: int
    step: Box | None = None
    labels: tuple[str, ...] = ()
    by: str = ""
    to: str = ""
    up: bool = False


@dataclass(frozen=True, slots=True)
class Anywhere:
    """What leads to a step from everywhere: word not_understood no_answer; `label` in plain words."""

    by: str
    to: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Drawing:
    """The whole. `loose`: rows of steps that nothing leads to."""

    rows: tuple[Row, ...]
    anywhere: tuple[Anywhere, ...]
    loose: tuple[Row, ...] = ()

    @property
    def steps(self) -> list[Box]:
        return [row.step for row in (*self.rows, *self.loose) if row.step is not None]


def draw(document: FlowDocument) -> Drawing:
    """The drawing of a flow; linear in its size but for the dominators, which are nearly so."""
    made = _Layout(document)
    rows = made.rows([document.first])
    seen = {row.step.name for row in rows if row.step is not None}
    apart = [way.to for way in ways(document) if not way.start]
    apart += [way.to for way in made.shared]
    side: list[Row] = []
    for name in (*apart, *document.steps):
        if name not in seen and name in document.steps:
            side += made.rows([name], seen)
            seen |= {row.step.name for row in side if row.step is not None}
    return Drawing(_pointed(rows, side), tuple(_anywhere(document, made.shared)), _pointed(side, ()))


def _pointed(rows: Iterable[Row], others: Iterable[Row]) -> tuple[Row, ...]:
    """Jumps know whether what they lead to stands above."""
    found = list(rows)
    place = {row.step.name: n for n, row in enumerate((*found, *others)) if row.step is not None}
    return tuple(
        replace(row, up=row.to in place and place[row.to] < n) if row.to else row for n, row in enumerate(found)
    )


def _anywhere(document: FlowDocument, shared: Iterable[Way]) -> Iterator[Anywhere]:
    words: dict[str, list[str]] = {}
    for way in ways(document):
        if way.by == "word" and not way.start:
            words.setdefault(way.to, []).append(way.label)
    for to, said in words.items():
        yield Anywhere("word", to, ", ".join(said))
    rule = document.not_understood
    yield Anywhere("not_understood", rule.go, str(rule.times))
    for way in shared:
        silent = document.steps[way.start].no_answer
        yield Anywhere("no_answer", way.to, length(silent.after) if silent is not None else "")


class _Layout:
    """Who stands under whom."""

    def __init__(self, document: FlowDocument) -> None:
        self.document = document
        self.shared = _shared(document)
        hidden = {way.to for way in self.shared}
        self.ways = {
            name: [w for w in ways_of(step) if not (w.by == "no_answer" and w.to in hidden) and w.to in document.steps]
            for name, step in document.steps.items()
        }
        self.into: dict[str, list[Way]] = {}
        for some in self.ways.values():
            for way in some:
                self.into.setdefault(way.to, []).append(way)

    def rows(self, roots: list[str], placed: Iterable[str] = ()) -> list[Row]:
        """Depth first, without recursion: a flow may be a chain of a thousand steps."""
        below = self._below(roots[0], set(placed))
        out: list[Row] = []
        todo: list[Row] = [self._row(name, 0) for name in reversed(roots)]
        while todo:
            row = todo.pop()
            out.append(row)
            if row.step is not None and not row.to:
                todo.extend(reversed(list(self._under(row.step.name, row.depth, below))))
        return out

    def _under(self, name: str, depth: int, below: Mapping[str, list[str]]) -> Iterator[Row]:
        """What follows a step: its branches one deeper, then the steps where they join."""
        mine, branches = set(below.get(name, ())), self._branches(name)
        single = len(branches) == 1 and branches[0][0] in ("go", "")
        inline: set[str] = set()
        for by, to, labels in branches:
            own = to in mine and len({w.start for w in self.into[to]}) == 1 and to != name
            deep = depth if single else depth + 1
            by_, told = ("", ()) if single else (by, labels)
            if own:
                inline.add(to)
                yield self._row(to, deep, by_, told)
            elif not (single and to in mine):
                yield Row(depth=deep, labels=told, by=by_, to=to)
        for to in below.get(name, ()):
            if to not in inline:
                yield self._row(to, depth, joins=tuple(dict.fromkeys(w.start for w in self.into[to])))

    def _branches(self, name: str) -> list[tuple[str, str, tuple[str, ...]]]:
        """(by, to, labels), ways to one step told once."""
        found: dict[tuple[str, str], list[str]] = {}
        for way in self.ways[name]:
            found.setdefault((way.by, way.to), []).append(self._label(name, way))
        return [(by, to, tuple(label for label in labels if label)) for (by, to), labels in found.items()]

    def _label(self, name: str, way: Way) -> str:
        answer = self.document.steps[name].answer
        return answer.titles.get(way.label, way.label) if answer is not None and way.by == "answer" else way.label

    def _row(
        self, name: str, depth: int, by: str = "", labels: tuple[str, ...] = (), joins: tuple[str, ...] = ()
    ) -> Row:
        return Row(depth=depth, step=_box(self.document, name, joins), by=by, labels=labels)

    def _below(self, root: str, placed: set[str]) -> dict[str, list[str]]:
        """{step: those that it dominates at once}, in the order in which they are come to."""
        order = self._order(root, placed)
        place = {name: n for n, name in enumerate(order)}
        over: dict[str, str] = {root: root}
        changed = True
        while changed:
            changed = False
            for name in order[1:]:
                known = [w.start for w in self.into.get(name, ()) if w.start in over and w.start in place]
                new = known[0]
                for other in known[1:]:
                    new = _meet(new, other, over, place)
                if over.get(name) != new:
                    over[name], changed = new, True
        below: dict[str, list[str]] = {}
        for name in self._met(root, place):
            if name != root:
                below.setdefault(over[name], []).append(name)
        return below

    def _order(self, root: str, placed: set[str]) -> list[str]:
        """Reverse postorder: a step before those it leads to, circles aside."""
        seen, out = {root} | placed, []
        todo = [(root, iter(self.ways[root]))]
        while todo:
            name, left = todo[-1]
            following = next((w.to for w in left if w.to not in seen), None)
            if following is None:
                out.append(name)
                todo.pop()
            else:
                seen.add(following)
                todo.append((following, iter(self.ways[following])))
        return out[::-1]

    def _met(self, root: str, known: Mapping[str, int]) -> list[str]:
        """Breadth first: the order in which a reader comes to them."""
        found, seen = [root], {root}
        for name in found:
            for way in self.ways[name]:
                if way.to in known and way.to not in seen:
                    seen.add(way.to)
                    found.append(way.to)
        return found


def _meet(one: str, other: str, over: Mapping[str, str], place: Mapping[str, int]) -> str:
    while one != other:
        while place[one] > place[other]:
            one = over[one]
        while place[other] > place[one]:
            other = over[other]
    return one


def _shared(document: FlowDocument) -> list[Way]:
    """Where silence leads from every question alike: told once, beside the drawing."""
    silent = [way for step in document.steps.values() for way in ways_of(step) if way.by == "no_answer"]
    by_target: dict[str, list[Way]] = {}
    for way in silent:
        by_target.setdefault(way.to, []).append(way)
    return [some[0] for to, some in by_target.items() if len(some) > 1 or to.startswith("always.")]


# ---- one step ----------------------------------------------------------------------------------------------------
def _box(document: FlowDocument, name: str, joins: tuple[str, ...]) -> Box:
    step = document.steps[name]
    node, line = _written(document, name)
    words = tuple(node.items) if node is not None else ()
    return Box(
        name=name, kind=next((kind for word, kind in _KINDS if word in words), "act"), says=_says(node)[:LONGEST],
        keeps=tuple(dict.fromkeys(k for k, _ in step.keeps)),
        sets=tuple(dict.fromkeys(r.field for r in step.rules if r.field not in {k for k, _ in step.keeps})),
        end=_end(step), more=_more(step), line=line, joins=joins,
    )  # fmt: skip


def _end(step: FlowStep) -> str:
    if step.route is not None or step.start:
        return ""
    return step.end or ("handed_over" if step.handoff is not None else "done")


def _more(step: FlowStep) -> str:
    if step.wait is not None:
        return length(step.wait)
    return step.start or (step.opener.template if step.opener is not None else "")


def _written(document: FlowDocument, name: str) -> tuple[Map | None, int]:
    """The step as it stands in the text; one without a name of its own stands under `then:`."""
    node: Node | None = document.tree
    path = ("steps", name)
    if name not in _names(document.tree):
        head, _, inline = name.rpartition(".")
        path = (*(("always",) if head == "always" else ("steps", head)), inline, "then")
    line = 1
    for word in path:
        if not isinstance(node, Map) or word not in node.items:
            return None, line
        line = node.keys[word].line
        node = node.items[word]
    return (node, line) if isinstance(node, Map) else (None, line)


def _names(tree: Map | None) -> Mapping[str, Node]:
    steps = tree.items.get("steps") if tree is not None else None
    return steps.items if isinstance(steps, Map) else {}


def _says(node: Map | None) -> str:
    """The text, in the first language it is written in."""
    for word in _SPOKEN:
        said = node.items.get(word) if node is not None else None
        while isinstance(said, Map) and said.items:
            said = next(iter(said.items.values()))
        if isinstance(said, Text):
            return " ".join(said.value.split())
    return ""
