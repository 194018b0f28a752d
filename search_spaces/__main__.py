"""`python -m search_spaces FILE`: what `study space` does, where only NumPy and PyYAML are installed."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from search_spaces.conversion import DROPPABLE, convert, describe
from search_spaces.errors import SpaceError
from search_spaces.readers import READERS
from search_spaces.writers import WRITERS


def main() -> None:
    """Describe a space, or write it in another form; bad input is one line and status 2."""
    parser = argparse.ArgumentParser("python -m search_spaces", description=__doc__)
    parser.add_argument("file", type=Path, help="a space, in a form of ours or of another tool")
    parser.add_argument("--from", dest="form", help=f"{', '.join(READERS)}; told from the content")
    parser.add_argument("--to", help=", ".join(WRITERS))
    parser.add_argument("--drop", action="append", default=[], help=", ".join(DROPPABLE))
    given = parser.parse_args()
    try:
        converted = convert(given.file, given.form, given.to, given.drop)
        text = converted.text if given.to else f"{converted.space!r}\n{describe(converted.space)}"
    except (SpaceError, ModuleNotFoundError) as error:
        print(f"search_spaces: {error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, SpaceError) else 3)
    print(*converted.notes, sep="\n", file=sys.stderr)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
