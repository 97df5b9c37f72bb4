"""Strings, regular expressions and JSON: what Trino means by them, in DuckDB's SQL.

https://trino.io/docs/current/functions/string.html, regexp.html, json.html
"""

import re
from collections.abc import Mapping

from sqlglot import exp

from scripts.local_cloud.athena import patterns
from scripts.local_cloud.athena.errors import QueryError, not_supported
from scripts.local_cloud.athena.nodes import NULL, Rule, Typed, duck, macro, mismatch, raw, unexpected


def _require_text(self: Typed, function: str, *nodes: exp.Expr | None) -> None:
    for node in nodes:
        kind = self.type(node) if node is not None else None
        if kind not in {None, "VARCHAR", NULL}:
            raise unexpected(function, str(kind))


def _concat(self: Typed, node: exp.Expr) -> exp.Expr | None:
    sides = node.expressions if isinstance(node, exp.Concat) else [node.left, node.right]  # type: ignore[attr-defined]
    if len(sides) < 2:
        raise QueryError("INVALID_FUNCTION_ARGUMENT", "There must be two or more concatenation arguments")
    kinds = [self.type(side) for side in sides]
    lists = [kind is not None and kind.endswith("[]") for kind in kinds]
    if any(lists) and len(sides) == 2 and not all(lists):
        return _with_element(sides, kinds, lists)
    for kind in kinds:
        if kind is not None and kind not in {"VARCHAR", NULL} and not kind.endswith("[]"):
            raise mismatch("||", kinds[0] or "VARCHAR", kinds[-1] or "VARCHAR")
    return raw(" || ".join(f"({duck(side)})" for side in sides))


def _with_element(sides: list[exp.Expr], kinds: list[str | None], lists: list[bool]) -> exp.Expr:
    """`ARRAY[1] || 2` and `2 || ARRAY[1]`."""
    at = lists.index(True)
    array, element = str(kinds[at]), kinds[1 - at]
    if element is None or element == NULL:
        raise not_supported("an array joined with NULL")
    if element != array.removesuffix("[]"):
        raise mismatch("||", str(kinds[0]), str(kinds[1]))
    name = "list_append" if at == 0 else "list_prepend"
    return raw(f"{name}({duck(sides[0])}, {duck(sides[1])})")


def _trim(self: Typed, node: exp.Expr) -> exp.Expr | None:
    """Trino trims every kind of whitespace, DuckDB spaces only."""
    _require_text(self, "trim", node.this)
    position = str(node.args.get("position") or "BOTH").upper()
    name = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(position, "trim")
    if node.args.get("expression") is None:
        return macro(name, node.this)
    return raw(f"{name}({duck(node.this)}, {duck(node.expression)})")


def _length(self: Typed, node: exp.Expr) -> exp.Expr | None:
    _require_text(self, "length", node.this)
    return None


def _upper(self: Typed, node: exp.Expr) -> exp.Expr:
    _require_text(self, "upper", node.this)
    return macro("upper", node.this)


def _substring(self: Typed, node: exp.Expr) -> exp.Expr:
    _require_text(self, "substring", node.this)
    start, length = node.args.get("start"), node.args.get("length")
    if start is None:
        raise QueryError("SYNTAX_ERROR", "line 1:1: substring needs a start")
    return (
        macro("substring", node.this, start)
        if length is None
        else macro("substring_of", node.this, start, length)
    )


def _replace(self: Typed, node: exp.Expr) -> exp.Expr:
    return macro("replace", node.this, node.expression, node.args["replacement"])


def _pad(self: Typed, node: exp.Expr) -> exp.Expr:
    fill = node.args.get("fill_pattern")
    name = "lpad" if node.args.get("is_left") else "rpad"
    if fill is None:
        raise unexpected(name, "VARCHAR", "INTEGER")
    _require_text(self, name, node.this, fill)
    return macro(name, node.this, node.expression, fill)


def _chr(_: Typed, node: exp.Expr) -> exp.Expr:
    return macro("chr", node.expressions[0])


def _split(_: Typed, node: exp.Expr) -> exp.Expr:
    limit = node.args.get("limit")
    if limit is None:
        return macro("split", node.this, node.expression)
    return macro("split_to", node.this, node.expression, limit)


def _split_part(_: Typed, node: exp.Expr) -> exp.Expr:
    return macro("split_part", node.this, node.args["delimiter"], node.args["part_index"])


def _escape(_: Typed, node: exp.Expr) -> exp.Expr | None:
    """The escape character stands before %, _ and itself only."""
    pattern, escape = node.this.expression, node.expression
    if not (isinstance(pattern, exp.Literal) and isinstance(escape, exp.Literal)):
        raise not_supported("LIKE with an escape character or pattern that is no constant")
    mark = str(escape.this)
    if len(mark) != 1:
        raise QueryError("INVALID_FUNCTION_ARGUMENT", "Escape string must be a single character")
    mark = re.escape(mark)
    if re.search(f"{mark}(?![%_{mark}])", re.sub(f"{mark}[%_{mark}]", "", str(pattern.this))):
        raise QueryError(
            "INVALID_FUNCTION_ARGUMENT",
            "Escape character must be followed by '%', '_' or the escape character itself",
        )
    return None


def _regexp_like(_: Typed, node: exp.Expr) -> exp.Expr:
    pattern = patterns.of(node.expression)
    return raw(pattern.guarded(duck(node.this), f"regexp_matches({duck(node.this)}, {pattern.sql})"))


def _regexp_extract(_: Typed, node: exp.Expr) -> exp.Expr:
    """No match is NULL, not an empty text."""
    text, pattern = duck(node.this), patterns.of(node.expression)
    number = pattern.group(node.args.get("group"))
    matches, found = (f"regexp_{name}({text}, {pattern.sql}" for name in ("matches", "extract"))
    return raw(pattern.guarded(text, f"CASE WHEN {matches}) THEN {found}, {number}) END"))


def _regexp_replace(_: Typed, node: exp.Expr) -> exp.Expr:
    text, pattern = duck(node.this), patterns.of(node.expression)
    replacement = pattern.replacement(node.args.get("replacement"))
    return raw(pattern.guarded(text, f"regexp_replace({text}, {pattern.sql}, {replacement}, 'g')"))


def _json_scalar(_: Typed, node: exp.Expr) -> exp.Expr:
    """What is not a scalar, and what is not JSON, is NULL."""
    return raw(f"trino_json_scalar({duck(node.this)}, {_json_path(node)})")


def _json_extract(_: Typed, node: exp.Expr) -> exp.Expr:
    if node.args.get("json_query"):
        raise not_supported("json_query")
    return raw(f"json_extract(trino_json_valid({duck(node.this)}), {_json_path(node)})")


def _json_path(node: exp.Expr) -> str:
    path = duck(node.expression)
    if not re.fullmatch(r"'\$([.\[][\w\"\].\[ -]*)?'", path) or "[-" in path:
        raise not_supported(f"the JSON path {path}")
    return path


def _parse_json(_: Typed, node: exp.Expr) -> exp.Expr:
    """Trino sorts the keys of what it parses, so only the answer to a further question is the same."""
    if not isinstance(node.parent, exp.JSONExtract | exp.JSONExtractScalar | exp.Is):
        raise not_supported("json_parse but inside json_extract and json_extract_scalar")
    return macro("json_parse", node.this)


def _listagg(self: Typed, node: exp.Expr) -> exp.Expr | None:
    """Without a separator there is none."""
    value = node.this.this if isinstance(node.this, exp.Order) else node.this
    _require_text(self, "listagg", value.expressions[0] if isinstance(value, exp.Distinct) else value)
    if node.args.get("on_overflow"):
        raise not_supported("listagg with ON OVERFLOW")
    if node.args.get("separator") is None:
        node.set("separator", exp.Literal.string(""))
    return None


RULES: Mapping[type[exp.Expr], Rule] = {
    exp.Concat: _concat, exp.DPipe: _concat, exp.Trim: _trim, exp.Length: _length, exp.Upper: _upper,
    exp.Substring: _substring, exp.Replace: _replace, exp.Pad: _pad, exp.Chr: _chr, exp.Split: _split,
    exp.SplitPart: _split_part, exp.Escape: _escape, exp.RegexpLike: _regexp_like, exp.RegexpExtract:
    _regexp_extract, exp.RegexpReplace: _regexp_replace, exp.JSONExtractScalar: _json_scalar,
    exp.JSONExtract: _json_extract, exp.ParseJSON: _parse_json, exp.GroupConcat: _listagg,
}  # fmt: skip
