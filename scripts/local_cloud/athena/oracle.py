"""What type an expression has where it stands: DuckDB's binder is asked, over the very FROM of its SELECT."""

import duckdb
from sqlglot import exp


class TypeOracle:
    """Answers for trees whose inner parts are DuckDB's SQL already."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._con = con

    def type_of(self, node: exp.Expr) -> str | None:
        """The DuckDB type, or None where it cannot be told (inside a lambda, say)."""
        select = node.find_ancestor(exp.Select)
        if select is None:
            return self._describe(exp.Select(expressions=[node.copy()]))
        for grouped in (False, True):
            if (found := self._describe(_probe(node, select, grouped))) is not None:
                return found
        return self._correlated(node, select)

    def _correlated(self, node: exp.Expr, select: exp.Select) -> str | None:
        """An inner query that looks at its outer one: ask from the outer one's place."""
        outer = select.find_ancestor(exp.Select)
        probe: exp.Select = _probe(node, select, grouped=False)
        while outer is not None:
            probe = _around(exp.Subquery(this=probe.limit(1)), outer)
            if (found := self._describe(probe)) is not None:
                return found
            outer = outer.find_ancestor(exp.Select)
        return None

    def _describe(self, probe: exp.Select) -> str | None:
        try:
            row = self._con.execute(f"DESCRIBE {probe.sql('duckdb')}").fetchone()
        except duckdb.Error:
            return None
        return str(row[1]) if row else None


def _probe(node: exp.Expr, select: exp.Select, grouped: bool) -> exp.Select:
    probe = _around(node.copy(), select)
    if grouped and select.args.get("group"):
        group = select.args["group"].copy()
        for item in list(group.expressions):
            if isinstance(item, exp.Literal) and item.is_int:
                item.replace(select.expressions[int(item.this) - 1].unalias().copy())
        probe.set("group", group)
    return probe


def _around(expression: exp.Expr, select: exp.Select) -> exp.Select:
    probe = exp.Select(expressions=[expression])
    for key in ("from_", "joins", "laterals"):
        value = select.args.get(key)
        if value is not None:
            probe.set(key, [one.copy() for one in value] if isinstance(value, list) else value.copy())
    if ctes := _ctes_before(select):
        probe.set("with_", exp.With(expressions=[cte.copy() for cte in ctes]))
    return probe


def _ctes_before(select: exp.Select) -> list[exp.Expr]:
    """The common table expressions that `select` may name: all before the one that it stands in itself."""
    found: list[exp.Expr] = []
    inside: exp.Expr | None = None
    node: exp.Expr | None = select
    while node is not None:
        clause = node.args.get("with_")
        if clause is not None:
            ctes = list(clause.expressions)
            stop = next((i for i, cte in enumerate(ctes) if cte is inside), len(ctes))
            found = [*ctes[:stop], *found]
        if isinstance(node, exp.CTE):
            inside = node
        node = node.parent
    return found
