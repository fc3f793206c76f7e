"""`python -m lossbars`: see :mod:`lossbars.cli.main`."""

import sys

from lossbars.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
