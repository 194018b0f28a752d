from __future__ import annotations

import subprocess
import sys

import search_spaces


def test_completion_offers_the_public_names_alone() -> None:
    assert dir(search_spaces) == sorted(search_spaces.__all__)


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_the_package_loads_nothing_outside_the_standard_library() -> None:
    code = "import sys; before = set(sys.modules); import search_spaces; print(*set(sys.modules) - before)"

    loaded = {name.partition(".")[0] for name in run_python(code).split()}

    assert loaded <= {*sys.stdlib_module_names, "search_spaces"}


def test_spaces_work_where_no_training_or_search_library_can_be_imported() -> None:
    code = (
        "import sys\n"
        "for name in ('ray', 'tensorflow', 'keras', 'optuna', 'ConfigSpace', 'pandas'):\n"
        "    sys.modules[name] = None\n"
        "import numpy, search_spaces\n"
        "space = search_spaces.Space.from_yaml(search_spaces.recurrent_space().to_yaml())\n"
        "space.validate(space.sample(numpy.random.default_rng(0)))\n"
        "print(len(space))"
    )

    assert run_python(code).strip() == "11"


def test_importing_the_package_takes_under_a_tenth_of_a_second() -> None:
    code = "import time; s = time.process_time(); import search_spaces; print(time.process_time() - s)"

    seconds = min(float(run_python(code)) for _ in range(3))  # of the processor: others may be using it too

    assert seconds < 0.1
