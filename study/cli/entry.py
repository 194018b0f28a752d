"""Where the `study` command begins: what its commands need may not be installed."""

from __future__ import annotations

import sys
import traceback
from typing import NoReturn

REPORTING = ("report", "compare", "list", "space", "presets", "help")
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
            _end_by_fault()
        if command == "space":
            line += ", or run what needs none: python -m search_spaces"
        print(f"study: {line}", file=sys.stderr)
        sys.exit(3)
    except Exception:
        _end_by_fault()


def _end_by_fault() -> NoReturn:
    """End with a traceback and a status of its own: whoever waits must not take it for an end."""
    from study.errors import INTERNAL_FAULT

    traceback.print_exc()
    print("study: a fault of the program itself; please report the lines above", file=sys.stderr)
    sys.exit(INTERNAL_FAULT)
