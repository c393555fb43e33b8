"""`main completion`: the lines that teach a shell to complete this program's words."""

from typing import Literal

import click

from cli.app import output
from cli.app.exit_codes import Exit

SHELLS = ("bash", "zsh", "fish")


@click.command(
    epilog="""\b
Examples:
  eval "$(main completion bash)"                               in ~/.bashrc
  eval "$(main completion zsh)"                                in ~/.zshrc
  main completion fish > ~/.config/fish/completions/main.fish

\b
Exit codes: 0 printed, 3 an unknown shell.
"""
)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, /, shell: Literal["bash", "zsh", "fish"]) -> int:
    """Print what makes a shell complete commands and options, and tickers, sources, event types and job ids."""
    # Imported here: only a person who sets a shell up needs it.
    from click.shell_completion import ShellComplete, get_completion_class

    root = context.find_root()
    name = root.info_name or "main"
    found = get_completion_class(shell)
    assert found is not None  # noqa: S101 - click has all of SHELLS
    made = found(root.command, {}, name, f"_{name.replace('-', '_').upper()}_COMPLETE")
    # bash's own asks the bash on PATH for its version first: what is printed is the same.
    output.raw(f"{ShellComplete.source(made)}\n".encode())
    return Exit.OK
