from __future__ import annotations

import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

import analysis
from study.cli.app import main
from study.errors import IntegrityError
from study.running.verification import mend, verify
from study.store.checksums import remove_checksums, renew_checksums, write_checksums
from study.store.directory import StudyDirectory
from study.store.files import write_atomically
from tests.study.faults.torn_files import (
    SPEC,
    TAIL_BYTES,
    contents,
    cut_after_crash,
    cut_at_rest,
    cut_checkpoint,
    make_whole_study,
)
from tests.study.pretend.legs import read_search, read_table, run_leg


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_whole_study(tmp_path_factory.mktemp("studies") / "small").path


@pytest.fixture
def study(whole: Path, tmp_path: Path) -> StudyDirectory:
    """A copy, to be damaged."""
    return StudyDirectory(Path(shutil.copytree(whole, tmp_path / "small")))


def flip(path: Path, bit: int) -> None:
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)


def expect_every_flip_found(study: StudyDirectory, n_flips: int) -> None:
    rng = np.random.default_rng(0)
    paths, search = contents(study.path), read_search(study.path)
    for number in range(n_flips):
        path = paths[number % len(paths)]
        bit = int(rng.integers(8 * path.stat().st_size))
        is_of_optuna = path == study.optuna or names_optuna(path, bit)
        flip(path, bit)

        # Of optuna.db what it says of the search counts: others may write notes into it.
        is_found = bool(verify(study).damages)
        assert is_found or (is_of_optuna and read_search(study.path) == search), f"bit {bit} of {path.name}"

        flip(path, bit)
    assert not verify(study).damages


def names_optuna(path: Path, bit: int) -> bool:
    """Whether a bit lies in the checksum of optuna.db."""
    if path.name != "SHA256SUMS":
        return False
    content = path.read_bytes()
    return content.splitlines()[content[: bit // 8].count(b"\n")].endswith(b"optuna.db")


def test_a_study_at_rest_is_whole(study: StudyDirectory) -> None:
    verdict = verify(study)

    assert verdict.has_checksums
    assert verdict.damages == ()


def test_a_flipped_bit_is_found_in_any_file(study: StudyDirectory) -> None:
    expect_every_flip_found(study, 20)


@pytest.mark.slow
def test_a_thousand_flipped_bits_are_all_found(study: StudyDirectory) -> None:
    expect_every_flip_found(study, 1000)


@pytest.mark.parametrize("name", ["records.db", "study.yaml", "manifest.json"])
def test_a_missing_file_is_named_and_cannot_be_made_again(study: StudyDirectory, name: str) -> None:
    (study.path / name).unlink()

    verdict = verify(study)

    assert [damage.path.name for damage in verdict.damages] == [name]
    assert not verdict.is_mendable


def test_derived_tables_that_do_not_follow_from_the_records_can_be_made_again(study: StudyDirectory) -> None:
    loaded = analysis.load(study.path)
    loaded.trials.loc[0, "val_accuracy"] += 0.01
    analysis.write_parquet(loaded, study.path)
    write_checksums(study)  # whoever changed them was thorough

    verdict = verify(study)

    assert [(d.path.name, d.fault) for d in verdict.damages] == [
        ("trials.parquet", "does not follow from the records")
    ]
    assert verdict.is_mendable


def test_a_model_that_is_not_what_its_card_says_is_found_without_a_seal(study: StudyDirectory) -> None:
    (study.path / "SHA256SUMS").unlink()
    model = next(study.models.glob("*/model.keras"))
    flip(model, 3)

    verdict = verify(study)

    assert not verdict.has_checksums
    assert [damage.path for damage in verdict.damages] == [model]


def test_a_seal_cannot_make_the_check_read_outside_of_the_study(study: StudyDirectory) -> None:
    checksums = study.path / "SHA256SUMS"
    checksums.write_text(checksums.read_text() + "0" * 64 + "  ../../outside\n")

    assert "outside of the study" in verify(study).damages[0].fault


def test_a_seal_that_was_cut_between_two_lines_is_found(study: StudyDirectory) -> None:
    checksums = study.path / "SHA256SUMS"
    checksums.write_text("".join(checksums.read_text().splitlines(keepends=True)[:-1]))

    (damage,) = verify(study).damages
    assert damage.path == checksums
    assert "does not name" in damage.fault


def test_a_leg_refuses_records_that_changed_at_rest(study: StudyDirectory) -> None:
    flip(study.records, 8 * 8000)

    with pytest.raises(IntegrityError, match=r"records\.db is not what its leg wrote"):
        remove_checksums(study)


def test_a_report_that_is_written_again_renews_its_part_of_the_seal(study: StudyDirectory) -> None:
    write_atomically(study.report / "index.html", "<p>another</p>")
    assert verify(study).damages

    renew_checksums(study, study.report)

    assert not verify(study).damages


def test_no_half_written_file_survives_the_next_leg(study: StudyDirectory) -> None:
    half = study.models / ".model.keras.123.tmp"
    half.write_bytes(b"half")
    hidden = study.path / ".mine.tmp"
    hidden.write_bytes(b"not ours")

    study.sweep()

    assert not half.exists()
    assert hidden.exists()


@pytest.mark.slow
def test_what_a_process_left_half_written_is_no_damage_and_is_mended_away(study: StudyDirectory) -> None:
    left = study.report / ".ranking.png.123.tmp"
    left.parent.mkdir(exist_ok=True)
    left.touch()

    assert verify(study).damages == ()
    with study.lock():
        mend(study)
    assert not left.exists()


def test_a_torn_file_is_refused_by_name_or_whole(study: StudyDirectory) -> None:
    (study.path / "SHA256SUMS").unlink()  # as where the process died

    n_cuts = sum(
        cut_after_crash(study, path, stride=61).n_cuts
        for path in contents(study.path)
        if not path.is_relative_to(study.report)
    )

    assert n_cuts > 300
    assert not verify(study).damages


def test_a_torn_checkpoint_gives_way_to_the_one_before_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert cut_checkpoint(tmp_path, stride=61).n_cuts == len(caplog.records) == 68


def test_a_spec_that_was_cut_between_two_lines_is_not_what_the_records_were_asked_for(
    study: StudyDirectory,
) -> None:
    lines = study.spec.read_text().splitlines(keepends=True)
    (study.path / "SHA256SUMS").unlink()
    write_atomically(study.spec, "".join(lines[:-1]))

    (damage,) = verify(study).damages
    assert damage.path == study.spec
    with pytest.raises(IntegrityError, match=r"study\.yaml is not .* keep_models"):
        run_leg(study.path, study.read_spec())


@pytest.mark.parametrize("name", ["study.yaml", "manifest.json", "SHA256SUMS", "trials.parquet"])
def test_a_file_torn_at_any_byte_is_found(study: StudyDirectory, name: str) -> None:
    path = study.path / name

    stride = max(1, min(path.stat().st_size, TAIL_BYTES) // 12)
    assert cut_at_rest(study, path, stride).n_cuts >= 12


def run_command(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["study", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


def test_the_command_says_that_a_study_is_whole(
    study: StudyDirectory, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(monkeypatch, "verify", str(study.path)) == 0
    assert "every file is what was written" in capsys.readouterr().out


def test_the_command_names_what_is_damaged_and_ends_with_status_five(
    study: StudyDirectory, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    flip(study.records, 8 * 5000)

    assert run_command(monkeypatch, "verify", str(study.path), "--repair") == 5
    said = capsys.readouterr()
    assert f"{study.records}: is not what was written" in said.out
    assert said.err.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["missing", "torn", "changed"])
def test_the_command_makes_optunas_storage_again(
    study: StudyDirectory, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    before, table = read_search(study.path), read_table(study.path)
    match damage:
        case "missing":
            study.optuna.unlink()
        case "torn":
            study.optuna.write_bytes(study.optuna.read_bytes()[:-5000])
        case _:
            with closing(sqlite3.connect(study.optuna)) as db, db:
                db.execute("UPDATE trial_values SET value = value + 0.01")
    assert run_command(monkeypatch, "verify", str(study.path)) == 5

    assert run_command(monkeypatch, "verify", str(study.path), "--repair") == 0

    assert verify(study).damages == ()
    assert read_search(study.path) == before
    run_leg(study.path, SPEC)
    assert read_table(study.path) == table


@pytest.mark.slow
def test_the_command_makes_derived_files_again(
    study: StudyDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    flip(study.path / "trials.parquet", 99)
    (study.report / "index.html").unlink()
    assert run_command(monkeypatch, "verify", str(study.path)) == 5

    assert run_command(monkeypatch, "verify", str(study.path), "--repair") == 0

    assert verify(study).damages == ()
