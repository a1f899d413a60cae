"""`python -m connector.cli`: the same as `connector`."""

from connector.cli import main

main(prog_name="connector")
