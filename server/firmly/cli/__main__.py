"""`python -m firmly.cli`: the same as the command `firmly`."""

from firmly.cli.main import main

main()
