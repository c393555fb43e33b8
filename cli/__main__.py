"""`python -m cli` is the console script."""

from cli.entry import main

main()
