"""What type an expression has where it stands: DuckDB's binder is asked, over the very FROM of its SELECT."""

import duckdb
from sqlglot import exp

from scripts.local_cloud.athena.macros import Macros


class TypeOracle:
    """Answers for trees whose inner parts are DuckDB's SQL already."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._con = con
        self._macros = Macros(con)
        self._answers: dict[str, str | None] = {}

    def define(self, sql: str) -> None:
        """Make the macros that the SQL calls."""
        self._macros.define(sql)

    def type_of(self, node: exp.Expr) -> str | None:
        """The DuckDB type, or None where it cannot be told."""
        lifted, depth = _out_of_lambdas(node)
        if lifted is None:
            return None
        found = self._type_of(lifted, node)
        return found if found is None else found.removesuffix("[]" * depth)

    def _type_of(self, node: exp.Expr, place: exp.Expr) -> str | None:
        select = place.find_ancestor(exp.Select)
        if select is None:
            return self._describe(exp.Select(expressions=[node.copy()]))
        for grouped in (False, True):
            if (found := self._describe(_probe(node, select, grouped))) is not None:
                return found
        if (found := self._correlated(node, select)) is not None:
            return found
        return self._describe(exp.Select(expressions=[node.copy()]))  # a constant in FROM

    def columns_of(self, query: exp.Expr) -> list[str] | None:
        """The types of a query's columns, or None where they cannot be told."""
        probe = query.unnest().copy()
        select = query.find(exp.Select)
        if not isinstance(probe, exp.Query) or select is None:
            return None
        if not probe.args.get("with_") and (ctes := _ctes_before(query)):
            probe.set("with_", exp.With(expressions=[cte.copy() for cte in ctes]))
        return self._columns(probe.sql("duckdb"))

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
        sql = probe.sql("duckdb")
        if sql not in self._answers:
            kinds = self._columns(sql)
            self._answers[sql] = kinds[0] if kinds else None
        return self._answers[sql]

    def _columns(self, sql: str) -> list[str] | None:
        self.define(sql)
        try:
            return [str(row[1]) for row in self._con.execute(f"DESCRIBE {sql}").fetchall()]
        except duckdb.Error:
            return None


def _out_of_lambdas(node: exp.Expr) -> tuple[exp.Expr | None, int]:
    """What stands in lambdas, applied to the arrays that these are given; and how many arrays that makes."""
    found, depth, inside = node, 0, node
    while (inner := inside.find_ancestor(exp.Lambda, exp.Select)) is not None and isinstance(
        inner, exp.Lambda
    ):
        call = inner.parent
        if not isinstance(call, exp.ArrayFilter | exp.Transform) or len(inner.expressions) != 1:
            return None, 0
        name = inner.expressions[0].name
        text = f"list_transform({call.this.sql('duckdb')}, LAMBDA {name} : {found.sql('duckdb')})"
        found, depth, inside = exp.Var(this=text), depth + 1, call
    return found, depth


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


def _ctes_before(select: exp.Expr) -> list[exp.Expr]:
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
