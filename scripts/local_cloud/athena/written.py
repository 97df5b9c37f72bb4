"""What sqlglot takes from other dialects and Athena does not: functions by the names written, and syntax.

https://trino.io/docs/current/functions/list.html, sql/select.html
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import sqlglot
from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from scripts.local_cloud.athena.errors import QueryError, not_supported

# Every function of Trino but the geospatial ones and those of sketches and machine learning.
_TRINO = frozenset(Path(__file__).with_name("functions.txt").read_text("utf-8").split())
# Words before a bracket that are no functions.
_WORDS = {
    "all", "and", "any", "array", "as", "bernoulli", "between", "by", "case", "char", "cube", "decimal",
    "distinct", "else", "end", "escape", "except", "exists", "filter", "from", "group", "having", "in",
    "intersect", "interval", "is", "join", "lateral", "like", "limit", "map", "not", "numeric",
    "offset", "on", "or", "order", "ordinality", "over", "partition", "range", "recursive", "rollup",
    "row", "rows", "select", "sets", "some", "system", "then", "time", "timestamp", "union", "unnest",
    "using", "values", "varchar", "when", "where", "with", "within",
}  # fmt: skip
# Words and signs of other dialects that sqlglot takes; Trino calls each a mismatched input.
_FOREIGN = {TokenType.DCOLON, TokenType.QUALIFY, TokenType.ILIKE, TokenType.DSTAR, TokenType.L_BRACE}
_BEFORE_BRACKET = {
    TokenType.ARRAY, TokenType.VAR, TokenType.IDENTIFIER, TokenType.R_PAREN, TokenType.R_BRACKET,
}  # fmt: skip
_SELECT = {
    "with_", "expressions", "distinct", "from_", "joins", "laterals", "where", "group", "having", "windows",
    "order", "limit", "offset", "kind", "hint", "operation_modifiers",
}  # fmt: skip


def check_syntax(sql: str) -> None:
    """Refuse signs and words that no statement of Athena's has."""
    tokens = _tokens(sql)
    for at, token in enumerate(tokens):
        _require_syntax(token, tokens[at - 1] if at else None)
    _require_order(tokens)


def check_meaning(sql: str, tree: exp.Expr) -> None:
    """Refuse functions that Athena does not have, and clauses that only another dialect has."""
    tokens = _tokens(sql)
    for at, after in enumerate(tokens[1:]):
        if after.token_type == TokenType.L_PAREN:
            _require_function(tokens, at)
    for select in tree.find_all(exp.Select):
        _require_plain(select)


def _tokens(sql: str) -> list[Token]:
    found: list[Token] = sqlglot.tokenize(sql, read="athena")
    return found


def _wrong(token: Token) -> QueryError:
    shown = token.text
    return QueryError(
        "SYNTAX_ERROR", f"line {token.line}:{max(1, token.col - len(shown) + 1)}: mismatched input '{shown}'"
    )


def _require_syntax(token: Token, before: Token | None) -> None:
    if token.token_type in _FOREIGN or token.text == "==":
        raise _wrong(token)
    if token.text == "`":
        raise QueryError(
            "SYNTAX_ERROR",
            f"line {token.line}:{token.col}: backquoted identifiers are not supported; use double quotes",
        )
    if token.token_type == TokenType.L_BRACKET and (
        before is None or before.token_type not in _BEFORE_BRACKET
    ):
        raise _wrong(token)


def _require_function(tokens: Sequence[Token], at: int) -> None:
    token, name = tokens[at], tokens[at].text.lower()
    if token.token_type in {TokenType.IDENTIFIER, TokenType.STRING} or not name.replace("_", "").isalnum():
        return
    if name in _TRINO or name in _WORDS or name[0].isdigit() or _names_columns(tokens, at):
        return
    if name.startswith("st_"):
        raise not_supported(f"the function {name}")
    raise QueryError(
        "FUNCTION_NOT_FOUND",
        f"line {token.line}:{token.col - len(name) + 1}: Function '{name}' not registered",
    )


def _names_columns(tokens: Sequence[Token], at: int) -> bool:
    """Whether `t(a, b)` is an alias with its columns: after AS, a bracket or a name, or before AS (."""
    before = tokens[at - 1] if at else None
    if before is not None and before.token_type in {
        TokenType.ALIAS, TokenType.R_PAREN, TokenType.VAR, TokenType.IDENTIFIER, TokenType.WITH,
        TokenType.RECURSIVE, TokenType.ORDINALITY,
    }:  # fmt: skip
        return True
    depth = 0
    for end in range(at + 1, len(tokens)):
        depth += (tokens[end].token_type == TokenType.L_PAREN) - (tokens[end].token_type == TokenType.R_PAREN)
        if depth == 0:
            after = [token.token_type for token in tokens[end + 1 : end + 3]]
            return after == [TokenType.ALIAS, TokenType.L_PAREN]
    return False


def _require_order(tokens: Sequence[Token]) -> None:
    """OFFSET stands before LIMIT."""
    limits: dict[int, bool] = {}
    depth = 0
    for token in tokens:
        if token.token_type == TokenType.L_PAREN:
            depth += 1
            limits.pop(depth, None)
        elif token.token_type == TokenType.R_PAREN:
            depth -= 1
        elif token.token_type == TokenType.LIMIT:
            limits[depth] = True
        elif token.token_type == TokenType.OFFSET and limits.get(depth):
            raise _wrong(token)


def _require_plain(select: exp.Select) -> None:
    if unknown := [key for key in _given(select) if key not in _SELECT]:
        raise not_supported(f"{unknown[0].rstrip('_').upper()} in a SELECT")
    distinct, group = select.args.get("distinct"), select.args.get("group")
    if distinct is not None and distinct.args.get("on"):
        raise QueryError("SYNTAX_ERROR", "line 1:1: mismatched input 'ON'")
    if group is not None and group.args.get("all") is not None:
        raise not_supported("GROUP BY ALL and GROUP BY DISTINCT")
    for star in select.find_all(exp.Star):
        if any(True for _ in _given(star)):
            raise QueryError("SYNTAX_ERROR", "line 1:1: * takes no list of columns")
    if distinct is not None:
        _require_selected(select)


def _given(node: exp.Expr) -> Iterator[str]:
    return (key for key, value in node.args.items() if value)


def _require_selected(select: exp.Select) -> None:
    """SELECT DISTINCT is ordered by what it selects."""
    items, order = select.expressions, select.args.get("order")
    if order is None or any(item.is_star for item in items):
        return
    chosen = [item.unalias() for item in items]
    names = {item.alias_or_name.lower() for item in items} - {""}
    for by in (item.this for item in order.expressions):
        named = isinstance(by, exp.Column) and by.name.lower() in names
        if not (isinstance(by, exp.Literal) or by in chosen or named):
            raise QueryError(
                "SYNTAX_ERROR",
                "line 1:1: For SELECT DISTINCT, ORDER BY expressions must appear in select list",
            )
