"""`python -m study`."""

from __future__ import annotations

from study.cli.app import main

if __name__ == "__main__":
    main()
