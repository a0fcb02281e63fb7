"""`python -m tercet` is the command `tercet`."""

import sys

from tercet.cli import main

if __name__ == "__main__":
    sys.exit(main())
