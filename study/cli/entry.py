"""Where the `study` command begins: what its commands need may not be installed."""

from __future__ import annotations

import sys

REPORTING = ("report", "compare", "list", "space", "presets")
"""The commands that need no more than reports do."""


def main() -> None:
    """Run the command line; a library that is missing is one line that says how to get it, and status 3."""
    try:
        from study.cli import app

        app.main()
    except ModuleNotFoundError as error:
        from search_spaces.extras import explain_missing

        command = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
        for_studies = bool(command) and command not in REPORTING
        line = explain_missing(error, f"study {command}".strip(), for_studies)
        if line is None:
            raise
        if command == "space":
            line += ", or run what needs none: python -m search_spaces"
        print(f"study: {line}", file=sys.stderr)
        sys.exit(3)
