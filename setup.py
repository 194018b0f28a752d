"""What pyproject.toml cannot say: the README on a package index, where relative links lead nowhere."""

import re
import tomllib
from pathlib import Path

from setuptools import setup

PROJECT = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
AT = f"{{}}]({PROJECT['urls']['Repository']}/{{}}/v{PROJECT['version']}/{{}})"


def lead_home(link: re.Match[str]) -> str:
    """Make a link absolute: to the page of a file, or to an image itself."""
    words, target = link.groups()
    return AT.format(words, "raw" if words.startswith("!") else "blob", target)


setup(
    long_description=re.sub(
        r"(!?\[[^\]]*)\]\((?!https?:|#)([^)]+)\)", lead_home, Path("README.md").read_text(encoding="utf-8")
    ),
    long_description_content_type="text/markdown",
)
