from __future__ import annotations

from pathlib import Path

from study.machine.memory import KERNEL_COUNTERS, count_kernel_kills


def test_the_kernels_kills_are_read_from_its_counters(tmp_path: Path) -> None:
    counters = tmp_path / "vmstat"
    counters.write_text("nr_free_pages 12\noom_kill 3\noom_kill_other 7\n")

    assert count_kernel_kills(counters) == 3


def test_a_kernel_that_does_not_count_has_killed_nobody(tmp_path: Path) -> None:
    assert count_kernel_kills(tmp_path / "none") == 0
    assert count_kernel_kills(KERNEL_COUNTERS) >= 0
