"""The errors that a command can end with: their messages, as the code writes them, with `…` for what varies."""

import ast
import inspect
import re
import textwrap

from cli.app.exits import EXIT_RULES


def catalogue() -> dict[str, tuple[str, int]]:
    """Return the message and the exit code of each class of errors; the message is empty where its maker writes it."""
    return {cls.__name__: (_message(cls), int(rule.exit)) for cls, rule in EXIT_RULES.items()}


def _message(cls: type[BaseException]) -> str:
    """Return what the class tells `Exception` of itself, its own or that of the class that it is a kind of."""
    if cls.__module__ == "builtins":
        return ""
    calls = (
        node for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(cls)))) if isinstance(node, ast.Call)
    )
    told = next(
        (call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "__init__" and call.args),
        None,
    )
    if told is None and cls.__base__ is not None:
        return _message(cls.__base__)
    words = "" if told is None else re.sub("…+", "…", _template(told.args[-1]))
    return words if words.startswith("got ") else ""


def _template(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_template(value) for value in node.values)
    return "…"
