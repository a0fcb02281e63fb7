"""`python -m tercet` is the command `tercet`."""

import sys

from tercet.cli import process

if __name__ == "__main__":
    sys.exit(process())
