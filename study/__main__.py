"""`python -m study`."""

from __future__ import annotations

import sys

# Python looks into the working folder first: a file of the user's called `analysis` would be taken for ours.
sys.path.append(sys.path.pop(0))

from study.cli.entry import main

if __name__ == "__main__":
    main()
