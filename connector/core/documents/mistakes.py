"""What admins write and YAML takes for something else, told in their words with the line rewritten (documents.md)."""

import re
from collections.abc import Iterator
from dataclasses import replace

from ruamel.yaml import YAML
from ruamel.yaml import events as yaml
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from connector.core.documents.findings import Finding
from connector.core.documents.tree import Map, Text, dotted, walk

_ODD_SPACE = re.compile(r"[\u00a0\u1680\u2000-\u200b\u202f\u205f\u2060\u3000\ufeff]")
_INDENT = re.compile(r"[\s\u200b\u2060\ufeff]*")
_LINE = re.compile(r"^(?P<head>\s*(?:- +)*(?:[^\s'\"#{\[][^'\"{}\[\]]*?|'[^']*'|\"[^\"]*\"): +|\s*- +)(?P<value>\S.*)$")
_BLOCK = re.compile(r"(?:^|[:-] )[|>][-+0-9]*\s*(?:#.*)?$")
# Not from the middle of the spaces: a line of them would be looked at once for each.
_REMARK = re.compile(r"(?<!\s)\s+#\s.*$")
_CUT = re.compile(r"(?<![ \t])[ \t]+#(?:[^\s#=!-]| (?<=\S [#] )\d).*")
_BRACES = re.compile(r"\{\{.*?\}\}")
_CURLY = str.maketrans({"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'"})
STARTS = "*&@%>|[]{}!`,?\"'-:"  # no text may begin with these unless it stands in quotes (YAML 1.2, section 5.3)
HOW_FAR_BACK = 3  # lines; an unclosed bracket or quote is noticed only further down
MAX_EXPLAIN = 16_000  # characters; every attempt reads the text anew
_EXPLAINED = frozenset({"yaml", "alias", "anchor", "tag", "key"})
_FLOW_START = re.compile(r"(?<=[:,\[] )[@%`*&!>|][^,{}\[\]]*")
_ITEM = re.compile(r"(?:'[^']*'|\"[^\"]*\"|\[[^\[\]]*\]|[^,'\"\[\]])+")
_UNQUOTED = "`{{ }}` must stand in quotes; without them YAML reads a map."


def quote(text: str) -> str:
    """The text in quotes, as one would write it by hand."""
    if '"' not in text and "\\" not in text:
        return f'"{text}"'
    return "'" + text.replace("'", "''") + "'"


def needs_no_quotes(text: str) -> bool:
    """May the text stand as it is, in a list or map in braces too?"""
    odd = ": " in text or " #" in text or text.endswith(":") or any(c in text for c in "{}[],")
    return bool(text) and text[0] not in STARTS and text == text.strip() and not odd


def write(line: str) -> str:
    """A hint that shows the line as it should be."""
    return f"Write: {line.strip()}"


def quoted(line: str) -> str | None:
    """The line with its value in quotes; None when it has none to quote."""
    found = _LINE.match(line)
    if not found:
        return None
    value = _REMARK.sub("", found["value"].rstrip())
    return found["head"] + quote(value)


# ---- before YAML reads it ------------------------------------------------------------------------------------------
def before(text: str) -> list[Finding]:
    """Spaces that only look like spaces, and tabs, where YAML counts them."""
    if not _ODD_SPACE.search(text) and "\t" not in text:
        return []
    return [found for number, line in _outside_blocks(text) if (found := _space(number, line))]


def _outside_blocks(text: str) -> Iterator[tuple[int, str]]:
    """Lines that are structure, not the inside of a `|` or `>` text."""
    block = None
    for number, line in enumerate(text.split("\n"), 1):
        depth = len(line) - len(line.lstrip(" "))
        if block is not None and (depth > block or not line.strip()):
            continue
        block = depth if _BLOCK.search(line.rstrip()) else None
        yield number, line


def _space(number: int, line: str) -> Finding | None:
    indent = (_INDENT.match(line) or [""])[0]
    if not line.strip() or (number == 1 and indent == "\ufeff"):
        return None
    rewritten = _ODD_SPACE.sub(" ", indent).replace("\t", "  ") + line[len(indent) :]
    if _ODD_SPACE.search(indent):
        message = (
            "The indentation holds a no-break space, often pasted from a web page; YAML counts only ordinary spaces."
        )
        return Finding("", number, 1, "no_break_space", message, write(rewritten) + " (with ordinary spaces before it)")
    if "\t" in indent:
        return Finding(
            "", number, 1, "tab", "The indentation holds a tab.", write(rewritten) + " (with spaces before it)"
        )
    after_colon = re.match(rf"[^\s'\"{{\[]+:{_ODD_SPACE.pattern}+", line.strip())
    if after_colon:
        message = "After the colon stands a no-break space; YAML wants an ordinary one."
        return Finding(
            "", number, len(indent) + after_colon.end(), "no_break_space", message, write(_ODD_SPACE.sub(" ", line))
        )
    return None


# ---- when YAML refuses it ------------------------------------------------------------------------------------------
def explain(text: str, finding: Finding) -> Finding:
    """The same finding in the admin's words, where quoting one line nearby lets YAML read on."""
    if finding.code not in _EXPLAINED or len(text) > MAX_EXPLAIN:
        return finding
    lines = text.split("\n")
    for number in range(finding.line, max(0, finding.line - 1 - HOW_FAR_BACK), -1):
        if number > len(lines):
            continue
        for rewritten, message, code in _rewritings(lines[number - 1]):
            changed = [*lines[: number - 1], rewritten, *lines[number:]]
            if _reads_past("\n".join(changed), max(number, finding.line)):
                return replace(finding, line=number, column=1, code=code, message=message, hint=write(rewritten))
    return finding


def _rewritings(line: str) -> Iterator[tuple[str, str, str]]:
    """The line with quotes where they may be missing, the likeliest first."""
    found = _LINE.match(line)
    if not found:
        return
    head, value = found["head"], found["value"].rstrip()
    remark = _REMARK.search(value)
    comment = remark[0] if remark else ""
    value = value.removesuffix(comment)
    for new, message, code in _values(value):
        yield head + new + comment, message, code


def _values(value: str) -> Iterator[tuple[str, str, str]]:
    first = value[0]
    if value.startswith("{{"):
        yield quote(value), _UNQUOTED, "unquoted"
    if first in "{[" and "{{" in value[1:]:
        yield first + _BRACES.sub(lambda m: quote(m[0]), value[1:]), _UNQUOTED, "unquoted"
    if first in "{[" and "{{" in value[1:]:
        inner = _BRACES.sub(lambda m: m[0].replace('"', "'"), value[1:])
        yield first + inner, "The text holds the same quote that it is written in.", "quotes"
    if first in "“”„‘’":
        yield value.translate(_CURLY), "These quotes are typographic; YAML knows only straight ones.", "curly_quotes"
    if first in "{[" and (odd := _FLOW_START.search(value)):
        new = _FLOW_START.sub(lambda m: quote(m[0].strip()), value)
        yield new, f"A text that starts with `{odd[0][0]}` must stand in quotes.", "start"
    if first == "[" and value.endswith("]"):
        items = ", ".join(
            item if item[0] in "'\"" else quote(item) for i in _ITEM.findall(value[1:-1]) if (item := i.strip())
        )
        yield f"[{items}]", "A text with brackets or quotes inside must stand in quotes itself.", "start"
    elif first in "'\"" and value.endswith(first):
        yield quote(value.strip(first)), "The text holds the same quote that it is written in.", "quotes"
    elif first in "'\"":
        yield quote(value), "The quote that begins the text is not closed at its end.", "quotes"
    elif first in STARTS and first != "{":
        yield quote(value), f"A text that starts with `{first}` must stand in quotes.", "start"
    if (": " in value or value.endswith(":")) and first not in "{[":
        yield quote(value), "A text that holds a second `: ` must stand in quotes.", "colon"


def _reads_past(text: str, number: int) -> bool:
    """YAML reads this text beyond line `number`, without aliases, anchors or tags up to there."""
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            mark = event.start_mark.line + 1
            if isinstance(event, yaml.NodeEvent) and mark <= number and (event.anchor or getattr(event, "tag", None)):
                return False
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return bool(mark and mark.line + 1 > number)
    except (YAMLError, ValueError, RecursionError, IndexError, AttributeError):
        return False
    return True


# ---- what YAML reads, but not as meant -----------------------------------------------------------------------------
def after(text: str, root: Map) -> list[Finding]:
    """Texts that were cut, buttons without a title, typographic quotes."""
    found: list[Finding] = []
    for path, node in walk(root):
        if isinstance(node, Text) and node.style is None and not node.missing:
            found += _unquoted(text, path, node)
        elif isinstance(node, Map) and node.flow:
            found += _comma(text, path, node)
    return found


def _unquoted(text: str, path: tuple[str | int, ...], node: Text) -> Iterator[Finding]:
    rest = text[node.end :].split("\n", 1)[0]
    begin = text.rfind("\n", 0, node.start) + 1
    if _CUT.match(rest) or re.match(r" # \d", rest):
        line = text[begin : node.start] + quote((text[node.start : node.end] + rest).strip())
        message = f'` #` begins a remark: the text ends at "{node.value[-30:]}".'
        yield Finding(dotted(path), node.line, node.column, "cut", message, write(line), "warning")
    if node.value[0] in "“”„":
        line = text[begin : node.start] + node.value.translate(_CURLY)
        message = "These quotes are typographic and would be part of the text; YAML knows only straight ones."
        yield Finding(dotted(path), node.line, node.column, "curly_quotes", message, write(line))


def _comma(text: str, path: tuple[str | int, ...], node: Map) -> Iterator[Finding]:
    """`{yes: Yes, please, no: No}`: a comma inside `{ }` ends the text."""
    before: Text | None = None
    for key, value in node.items.items():
        name = node.keys[key]
        if isinstance(value, Text) and value.missing and before is not None:
            begin, stop = text.rfind("\n", 0, before.start) + 1, (text + "\n").find("\n", name.end)
            whole = text[before.start : name.end]
            line = text[begin : before.start] + quote(whole) + text[name.end : stop]
            message = f"The comma ends the text: '{key}' became an entry of its own, without a value."
            yield Finding(dotted((*path, key)), name.line, name.column, "comma", message, write(line))
        before = value if isinstance(value, Text) and value.style is None and not value.missing else before
