"""The small faults that can be put into a Python file: one operator, number, condition or statement at a time."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_SWAPS: Final = {
    "<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==",
    "is": "is not", "is not": "is", "in": "not in", "not in": "in",
    "+": "-", "-": "+", "*": "/", "/": "*", "//": "*", "%": "*", "**": "*", "&": "|", "|": "&", "<<": ">>", ">>": "<<",
    "and": "or", "or": "and",
    "min": "max", "max": "min", "any": "all", "all": "any", "break": "continue", "continue": "break",
}  # fmt: skip
_OPERATOR: Final = re.compile(r"is not\b|not in\b|is\b|in\b|and\b|or\b|\*\*|//|<<|>>|[<>=!]=|[-+*/%&|<>]")
_QUIET: Final = {"stacklevel", "thread_name_prefix"}  # arguments that only decorate


@dataclass(frozen=True)
class Fault:
    """A change of a file: the bytes from `start` to `end` become `after`."""

    path: str
    line: int
    lines: range
    start: int
    end: int
    before: str
    after: str

    def put_into(self, source: bytes) -> bytes:
        """The file with the fault."""
        return source[: self.start] + self.after.encode() + source[self.end :]

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {_short(self.before)} → {_short(self.after)}"


def _short(text: str) -> str:
    return " ".join(text.split())[:90]


def faults_of(path: Path, root: Path) -> list[Fault]:
    """All faults of a file, in its order."""
    source = path.read_bytes()
    faults = _Faults(str(path.relative_to(root)), source)
    faults.visit(ast.parse(source))
    return faults.found


class _Faults(ast.NodeVisitor):
    """Collects faults, but none in what only people and type checkers read: annotations, docstrings and messages."""

    def __init__(self, path: str, source: bytes) -> None:
        self.path, self.source = path, source
        self.found: list[Fault] = []
        self._starts = [0]
        for line in source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._statement = range(0)

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.stmt):
            body = getattr(node, "body", None)
            last = body[0].lineno - 1 if isinstance(body, list) else node.end_lineno
            self._statement = range(node.lineno, max(last or 0, node.lineno) + 1)
        super().visit(node)

    # -- where nothing is changed ---------------------------------------------------------------------------------

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        if any(
            isinstance(d, ast.Attribute | ast.Name) and ast.unparse(d).endswith("overload") for d in node.decorator_list
        ):
            return
        for default in [*node.args.defaults, *filter(None, node.args.kw_defaults)]:
            self.visit(default)
        self._visit_body(node.body)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._visit_body(node.body)

    def visit_Module(self, node: ast.Module) -> None:
        self._visit_body(node.body)

    def _visit_body(self, body: list[ast.stmt]) -> None:
        for statement in body:
            if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)):  # a docstring
                self.visit(statement)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None and "TypeAlias" not in ast.unparse(node.annotation):
            self.visit(node.value)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Messages are for people."""

    def visit_Assert(self, node: ast.Assert) -> None:
        """For the type checker."""

    def visit_keyword(self, node: ast.keyword) -> None:
        if node.arg not in _QUIET:
            self.visit(node.value)

    # -- statements -----------------------------------------------------------------------------------------------

    def visit_Raise(self, node: ast.Raise) -> None:
        self._replace(node, "pass")

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Call):
            self._replace(node, "pass")
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self._replace(node, "pass")
        self.visit(node.value)

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is not None and not isinstance(node.value, ast.Constant):
            self._replace(node, "return None")
        self.generic_visit(node)

    def visit_Break(self, node: ast.Break) -> None:
        self._replace(node, "continue")

    def visit_Continue(self, node: ast.Continue) -> None:
        self._replace(node, "break")

    def visit_If(self, node: ast.If) -> None:
        self._negate(node.test)
        self.generic_visit(node)

    visit_While = visit_If

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._negate(node.test)
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        for condition in node.ifs:
            self._negate(condition)
        self.generic_visit(node)

    def _negate(self, test: ast.expr) -> None:
        self._replace(test, f"(not ({self._text(test)}))")

    # -- expressions ----------------------------------------------------------------------------------------------

    def visit_Compare(self, node: ast.Compare) -> None:
        for left, right in zip([node.left, *node.comparators[:-1]], node.comparators, strict=True):
            self._swap_between(left, right)
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        if not isinstance(node.op, ast.BitOr) or not _is_type(node):
            self._swap_between(node.left, node.right)
            self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        self._swap_between(node.values[-2], node.values[-1])
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not | ast.USub | ast.Invert):
            self._replace(node, self._text(node.operand))
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func
        if isinstance(name, ast.Name) and name.id in ("min", "max", "any", "all"):
            self._replace(name, _SWAPS[name.id])
        if not (isinstance(name, ast.Attribute) and name.attr == "warn"):
            self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, bool):
            self._replace(node, str(not value))
        elif isinstance(value, int):
            self._replace(node, str(value + 1))
        elif isinstance(value, float):
            self._replace(node, repr(value * 10 if value else 1.0))

    # -- the text -------------------------------------------------------------------------------------------------

    def _offset(self, line: int, column: int) -> int:
        return self._starts[line - 1] + column

    def _span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._offset(node.lineno, node.col_offset), self._offset(node.end_lineno, node.end_col_offset)

    def _text(self, node: ast.expr) -> str:
        start, end = self._span(node)
        return self.source[start:end].decode()

    def _replace(self, node: ast.expr | ast.stmt, after: str) -> None:
        self._add(*self._span(node), node.lineno, after)

    def _swap_between(self, left: ast.expr, right: ast.expr) -> None:
        start, end = self._span(left)[1], self._span(right)[0]
        match = _OPERATOR.search(self.source[start:end].decode())  # between operands: parentheses, blanks and comments
        if match is not None and match[0] in _SWAPS:
            at = start + len(self.source[start:end].decode()[: match.start()].encode())
            self._add(at, at + len(match[0]), left.end_lineno or 0, _SWAPS[match[0]])

    def _add(self, start: int, end: int, line: int, after: str) -> None:
        before = self.source[start:end].decode()
        self.found.append(Fault(self.path, line, self._statement, start, end, before, after))


def _is_type(node: ast.BinOp) -> bool:
    """Whether `a | b` is a union of types."""
    sides = [node.left, node.right]
    return any(isinstance(s, ast.Constant) and s.value is None for s in sides) or all(
        (isinstance(s, ast.Name | ast.Subscript) and ast.unparse(s)[:1].isupper()) or ast.unparse(s) in _BUILTIN
        for s in sides
    )


_BUILTIN: Final = {"int", "float", "str", "bool", "bytes", "list", "dict", "tuple", "set", "frozenset"}
