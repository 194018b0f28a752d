"""Pages of the site that lie beside `docs/`, where GitHub and PyPI look for them: never copied."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parent.parent
PAGES = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}


def on_files(files: Files, config: Any, **_: Any) -> Files:
    """Add them, with their links as they are from here."""
    for source, target in PAGES.items():
        content = (ROOT / source).read_text(encoding="utf-8").replace("](docs/", "](")
        for other, page in PAGES.items():
            content = content.replace(f"]({other})", f"]({page})")
        files.append(File.generated(config, target, content=content))
    return files
