"""Count the private functions that one place calls: `python scripts/helpers_used_once.py [--list]`.

A helper that one caller uses splits a thought over two places unless its name teaches something.
Counted by call sites: the times that the name of a function or method that begins with one underscore stands in its
own module, its definition aside. Prints `N of M functions (P %)`, and with `--list` each of them with its length.
"""

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGES = ("ledger", "projections", "cli")


def modules() -> Iterator[Path]:
    """Yield the product's modules."""
    for package in PACKAGES:
        yield from sorted((REPOSITORY / package).rglob("*.py"))


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield every function and method of a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def used_once(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield the private functions of a module that one place in it names."""
    uses = Counter(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
    uses.update(node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute))
    for function in functions(tree):
        if function.name.startswith("_") and not function.name.startswith("__") and uses[function.name] == 1:
            yield function


def main() -> None:
    """Print the figure."""
    total = once = 0
    for path in modules():
        tree = ast.parse(path.read_text("utf-8"))
        total += sum(1 for _ in functions(tree))
        for function in used_once(tree):
            once += 1
            if "--list" in sys.argv[1:]:
                length = (function.end_lineno or function.lineno) - function.lineno + 1
                print(f"{path.relative_to(REPOSITORY)}:{function.lineno} {function.name} {length}")
    print(f"{once} of {total} functions ({100 * once / total:.1f} %)")


if __name__ == "__main__":
    main()
