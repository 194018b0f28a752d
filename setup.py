"""What pyproject.toml cannot say: pages for `study help`, and the links of the README on a package index."""

import re
import shutil
import tomllib
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

PROJECT = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
AT = f"{{}}]({PROJECT['urls']['Repository']}/{{}}/v{PROJECT['version']}/{{}})"


def lead_home(link: re.Match[str]) -> str:
    """Make a link absolute: to the page of a file, or to an image itself."""
    words, target = link.groups()
    return AT.format(words, "raw" if words.startswith("!") else "blob", target)


class BuildWithPages(build_py):
    """Puts the pages of docs/ beside the code, where an installed `study help` finds them."""

    def run(self) -> None:
        """Copy them; an editable install reads them where they are."""
        super().run()
        if not self.editable_mode:
            pages = Path(self.build_lib, "study", "pages")
            pages.mkdir(parents=True, exist_ok=True)
            for page in Path("docs").glob("*.md"):
                shutil.copy(page, pages)


setup(
    cmdclass={"build_py": BuildWithPages},
    long_description=re.sub(
        r"(!?\[[^\]]*)\]\((?!https?:|#)([^)]+)\)", lead_home, Path("README.md").read_text(encoding="utf-8")
    ),
    long_description_content_type="text/markdown",
)
