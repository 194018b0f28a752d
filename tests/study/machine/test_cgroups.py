from __future__ import annotations

from pathlib import Path

import pytest

from study.machine import capacity
from study.machine.cgroups import cpu_quota, memory_limit, thread_room


def make_root(root: Path, membership: str, files: dict[str, str]) -> Path:
    for name, content in {"proc/self/cgroup": membership, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


V2 = "0::/\n"
V1 = "4:cpu,cpuacct:/docker/abc\n3:memory:/docker/abc\n"


@pytest.mark.parametrize(
    ("membership", "files", "expected"),
    [
        (V2, {"sys/fs/cgroup/cpu.max": "200000 100000\n"}, 2.0),
        (V2, {"sys/fs/cgroup/cpu.max": "50000 100000\n"}, 0.5),
        (V2, {"sys/fs/cgroup/cpu.max": "max 100000\n"}, None),
        (
            "0::/a/b\n",
            {"sys/fs/cgroup/a/b/cpu.max": "max 100000", "sys/fs/cgroup/a/cpu.max": "150000 100000"},
            1.5,
        ),
        ("0::/../../kubepods/x\n", {"sys/fs/cgroup/cpu.max": "300000 100000"}, 3.0),
        (
            V1,
            {
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "250000",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000",
            },
            2.5,
        ),
        (
            V1,
            {
                "sys/fs/cgroup/cpu/docker/abc/cpu.cfs_quota_us": "100000",
                "sys/fs/cgroup/cpu/docker/abc/cpu.cfs_period_us": "50000",
            },
            2.0,
        ),
        (
            V1,
            {
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000",
            },
            None,
        ),
        ("", {}, None),
        ("nonsense", {"sys/fs/cgroup/cpu.max": "200000 0"}, None),
    ],
)
def test_a_quota_of_either_version_is_read(
    tmp_path: Path, membership: str, files: dict[str, str], expected: float | None
) -> None:
    assert cpu_quota(make_root(tmp_path, membership, files)) == expected


@pytest.mark.parametrize(
    ("membership", "files", "expected"),
    [
        (V2, {"sys/fs/cgroup/memory.max": "1073741824\n"}, 2**30),
        (V2, {"sys/fs/cgroup/memory.max": "max\n"}, None),
        (V1, {"sys/fs/cgroup/memory/memory.limit_in_bytes": "536870912"}, 2**29),
        (V1, {"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712"}, None),
    ],
)
def test_a_limit_of_memory_of_either_version_is_read(
    tmp_path: Path, membership: str, files: dict[str, str], expected: int | None
) -> None:
    assert memory_limit(make_root(tmp_path, membership, files)) == expected


@pytest.mark.parametrize(("quota", "expected"), [(None, 64), (2.0, 2), (2.9, 2), (0.5, 1), (100.0, 64)])
def test_the_whole_cpus_of_a_quota_count(
    monkeypatch: pytest.MonkeyPatch, quota: float | None, expected: int
) -> None:
    monkeypatch.setattr(capacity, "cpu_quota", lambda: quota)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(64)))
    assert capacity.count_cpus() == expected


@pytest.mark.parametrize(
    ("membership", "files", "expected"),
    [
        (V2, {"sys/fs/cgroup/pids.max": "100\n", "sys/fs/cgroup/pids.current": "30\n"}, 70),
        (V2, {"sys/fs/cgroup/pids.max": "max\n", "sys/fs/cgroup/pids.current": "30\n"}, None),
        (
            "9:pids:/a/b\n",
            {
                "sys/fs/cgroup/pids/a/b/pids.max": "max",
                "sys/fs/cgroup/pids/a/b/pids.current": "3",
                "sys/fs/cgroup/pids/a/pids.max": "50",
                "sys/fs/cgroup/pids/a/pids.current": "60",
            },
            -10,
        ),
        ("", {}, None),
    ],
)
def test_a_groups_room_for_threads_is_what_the_tightest_has_left(
    tmp_path: Path, membership: str, files: dict[str, str], expected: int | None
) -> None:
    assert thread_room(make_root(tmp_path, membership, files)) == expected
