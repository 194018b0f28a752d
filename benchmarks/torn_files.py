"""Cut every file of a study at every byte of its last 4 KiB: `python -m benchmarks.torn_files [--stride 1]`.

First where the process died, without checksums: what reads the file must refuse it by name, or find what was
there before; `verify` looks at each 16th. Then of a study at rest, where `verify` must name the file, at
each 16th byte. Ends with an error at the first cut that anybody took for the whole, or that raised anything
but a refusal in one line.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

from study.store.checksums import CHECKSUMS_FILE, write_checksums
from tests.study.faults.torn_files import (
    VERIFIED_EVERY,
    Tally,
    contents,
    cut_after_crash,
    cut_at_rest,
    cut_checkpoint,
    make_whole_study,
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stride", type=int, default=1)
    stride = parser.parse_args().stride
    logging.disable(logging.WARNING)  # that a checkpoint is damaged, four thousand times
    with tempfile.TemporaryDirectory(prefix="torn-files-") as name:
        tallies = list(cut_all(Path(name), stride))
    print(f"{sum(tally.n_cuts for tally in tallies)} cuts, none of them silent")


def cut_all(folder: Path, stride: int) -> Iterator[Tally]:
    study = make_whole_study(folder / "small")
    (study.path / CHECKSUMS_FILE).unlink()
    for path in contents(study.path):
        if not path.is_relative_to(study.report):  # which nobody reads, and each leg makes again
            yield say(f"after a crash, {path.relative_to(study.path)}", cut_after_crash(study, path, stride))
    yield say("a checkpoint", cut_checkpoint(folder / "checkpoints", stride))
    write_checksums(study)
    for path in contents(study.path):
        tally = cut_at_rest(study, path, stride * VERIFIED_EVERY)
        yield say(f"at rest, {path.relative_to(study.path)}", tally)


def say(what: str, tally: Tally) -> Tally:
    print(f"{what}: {tally.n_cuts} cuts, {tally.n_whole} of which took nothing away", flush=True)
    return tally


if __name__ == "__main__":
    main()
