"""What starts clusters, as far as one machine can tell: schemas, and dry runs against pretended tools."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from study.spec.presets import preset_names
from study.store.checksums import CHECKSUMS_FILE

ROOT = Path(__file__).parents[3]


def load(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text())


def starts_of_ray(cluster: dict[str, Any]) -> list[str]:
    commands = [*cluster["head_start_ray_commands"], *cluster["worker_start_ray_commands"]]
    return [command for command in commands if "ray start" in command]


def test_the_cluster_file_is_what_ray_up_takes() -> None:
    from ray.autoscaler._private.util import prepare_config, validate_config

    prepared = prepare_config(load("cluster.yaml"))  # as `ray up` does before it validates

    validate_config(prepared)
    assert prepared["max_workers"] == len(load("cluster.yaml")["provider"]["worker_ips"])


def test_the_cluster_file_never_starts_ray_without_token_or_with_a_dashboard() -> None:
    cluster = load("cluster.yaml")

    head, worker = starts_of_ray(cluster)
    assert head.count("RAY_AUTH_MODE=token") == worker.count("RAY_AUTH_MODE=token") == 1
    assert "--include-dashboard=false" in head
    assert "~/.ray/auth_token" in cluster["file_mounts"]
    assert "chmod 600 ~/.ray/auth_token" in cluster["setup_commands"]


def test_the_cluster_file_starts_ray_on_machines_of_ones_own() -> None:
    cluster = load("cluster.yaml")

    # What `ray up` over ssh has taught; *slow* test_ray_up.py does it.
    assert all('ulimit -n "$(ulimit -Hn)"' in command for command in starts_of_ray(cluster))
    assert "RAY_enable_autoscaler_v2=0" in starts_of_ray(cluster)[0]
    assert any(".venv/bin:$PATH" in command for command in cluster["setup_commands"])


def test_the_cluster_file_names_nobodys_machines() -> None:
    cluster = load("cluster.yaml")

    # RFC 5737: addresses for documentation, which belong to nobody.
    addresses = [cluster["provider"]["head_ip"], *cluster["provider"]["worker_ips"]]
    assert all(address.startswith("192.0.2.") for address in addresses)


@pytest.mark.parametrize("key", ["setup_commands", "head_start_ray_commands", "worker_start_ray_commands"])
def test_the_commands_of_the_cluster_file_are_shell(key: str) -> None:
    for command in load("cluster.yaml")[key]:
        assert subprocess.run(["bash", "-n", "-c", command]).returncode == 0, command


@pytest.fixture
def job() -> dict[str, Any]:
    document: dict[str, Any] = load("deploy/kuberay-rayjob.yaml")
    return document


def pods(job: dict[str, Any]) -> Iterator[dict[str, Any]]:
    cluster = job["spec"]["rayClusterSpec"]
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        yield group["template"]["spec"]


def test_the_kubernetes_job_asks_for_a_token(job: dict[str, Any]) -> None:
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    assert job["spec"]["rayClusterSpec"]["authOptions"] == {"mode": "token"}


FIELDS = {
    "job": {
        "entrypoint": str,
        "backoffLimit": int,
        "shutdownAfterJobFinishes": bool,
        "ttlSecondsAfterFinished": int,
        "rayClusterSpec": dict,
    },
    "cluster": {
        "rayVersion": str,
        "authOptions": dict,
        "enableInTreeAutoscaling": bool,
        "autoscalerOptions": dict,
        "headGroupSpec": dict,
        "workerGroupSpecs": list,
    },
    "autoscaler": {"idleTimeoutSeconds": int},
    "head": {"rayStartParams": dict, "template": dict},
    "workers": {
        "groupName": str,
        "replicas": int,
        "minReplicas": int,
        "maxReplicas": int,
        "rayStartParams": dict,
        "template": dict,
    },
}
"""What we use of the operator's API, as its types in Go declare it; what it requires is among it."""


def test_the_kubernetes_job_has_the_fields_and_types_of_the_operators_api(job: dict[str, Any]) -> None:
    cluster = job["spec"]["rayClusterSpec"]
    described = {
        "job": job["spec"],
        "cluster": cluster,
        "autoscaler": cluster["autoscalerOptions"],
        "head": cluster["headGroupSpec"],
    }

    assert job.keys() == {"apiVersion", "kind", "metadata", "spec"}
    for part, content in described.items():
        assert {name: type(value) for name, value in content.items()} == FIELDS[part]
    for group in cluster["workerGroupSpecs"]:
        assert {name: type(value) for name, value in group.items()} == FIELDS["workers"]
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        assert all(type(value) is str for value in group["rayStartParams"].values())


def test_the_kubernetes_job_is_one_that_the_operator_accepts(job: dict[str, Any]) -> None:
    spec = job["spec"]
    groups = spec["rayClusterSpec"]["workerGroupSpecs"]

    # A DNS label of RFC 1035, short enough for what the operator appends to it.
    assert re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", job["metadata"]["name"])
    assert len(job["metadata"]["name"]) <= 47
    # It refuses a time to live without a shutdown, and a token for Ray before 2.52.
    assert spec["shutdownAfterJobFinishes"]
    assert tuple(map(int, spec["rayClusterSpec"]["rayVersion"].split("."))) >= (2, 52)
    assert len({group["groupName"] for group in groups}) == len(groups)
    for group in groups:
        assert 0 <= group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]


def test_the_kubernetes_job_runs_a_preset_of_ours_on_the_cluster_it_is_part_of(job: dict[str, Any]) -> None:
    shell, option, script = shlex.split(job["spec"]["entrypoint"])
    assert (shell, option) == ("bash", "-c")
    program, command, preset, *options = shlex.split(script.partition("||")[0])
    assert f"/studies/{preset}/" in script

    assert (program, command) == ("study", "run")
    assert preset in preset_names()
    assert dict(zip(options[::2], options[1::2], strict=True)) == {"--address": "auto", "--out": "/studies"}


@pytest.mark.parametrize(
    ("status", "at_rest", "expected"),
    [(0, True, 0), (1, True, 0), (1, False, 1), (3, True, 1), (6, True, 1), (70, True, 1), (143, False, 1)],
)
def test_the_kubernetes_job_is_done_where_the_study_is(
    job: dict[str, Any], tmp_path: Path, status: int, at_rest: bool, expected: int
) -> None:
    if at_rest:
        (tmp_path / "imdb").mkdir()
        (tmp_path / "imdb" / CHECKSUMS_FILE).write_text("")
    program = tmp_path / "study"
    program.write_text(f"#!/bin/bash\nexit {status}\n")
    program.chmod(0o755)

    # As Ray's job manager runs an entrypoint: through a shell.
    ran = subprocess.run(
        ["/bin/sh", "-c", job["spec"]["entrypoint"].replace("/studies", str(tmp_path))],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
    )

    assert ran.returncode == expected


def test_the_kubernetes_pods_mount_what_they_declare_and_are_nobody_special(job: dict[str, Any]) -> None:
    for pod in pods(job):
        (container,) = pod["containers"]
        assert {m["name"] for m in container["volumeMounts"]} == {v["name"] for v in pod["volumes"]}
        assert container["resources"]["requests"] == container["resources"]["limits"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert "hostNetwork" not in pod


def test_the_kubernetes_job_is_what_the_operators_own_schema_takes(job: dict[str, Any]) -> None:
    path = os.environ.get("KUBERAY_RAYJOB_CRD")
    if path is None:
        pytest.skip(
            "KUBERAY_RAYJOB_CRD names no file: ray-operator/config/crd/bases/ray.io_rayjobs.yaml of KubeRay"
        )
    jsonschema = pytest.importorskip("jsonschema")
    definition = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    (schema,) = (v["schema"]["openAPIV3Schema"] for v in definition["spec"]["versions"] if v["name"] == "v1")

    faults = jsonschema.Draft202012Validator(close(schema)).iter_errors(job)

    assert [fault.message for fault in faults] == []


def close(schema: Any) -> Any:
    """A schema by which what it does not name is wrong, as the API server warns of it."""
    if isinstance(schema, list):
        return [close(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: close(value) for key, value in schema.items()}
    if "properties" in schema and "x-kubernetes-preserve-unknown-fields" not in schema:
        closed.setdefault("additionalProperties", False)
    return closed


def test_the_kubernetes_job_mounts_the_volume_that_is_claimed_beside_it(job: dict[str, Any]) -> None:
    claim = load("deploy/kuberay-studies.yaml")
    head = job["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]

    claimed = [v["persistentVolumeClaim"] for v in head["volumes"] if "persistentVolumeClaim" in v]

    assert claimed == [{"claimName": claim["metadata"]["name"]}]
    assert (claim["kind"], claim["spec"]["accessModes"]) == ("PersistentVolumeClaim", ["ReadWriteOnce"])
    assert {"name": "studies", "mountPath": "/studies"} in head["containers"][0]["volumeMounts"]


def test_the_kubernetes_workers_may_go_where_spot_and_gpu_nodes_are(job: dict[str, Any]) -> None:
    spot, gpu = (group["template"]["spec"] for group in job["spec"]["rayClusterSpec"]["workerGroupSpecs"])

    ((label, value),) = spot["nodeSelector"].items()
    assert spot["tolerations"] == [
        {"key": label, "operator": "Equal", "value": value, "effect": "NoSchedule"}
    ]
    (resource,) = (name for name in gpu["containers"][0]["resources"]["limits"] if "/" in name)
    assert [toleration["key"] for toleration in gpu["tolerations"]] == [resource]
    assert gpu["containers"][0]["image"].endswith("-gpu")


def test_the_kubernetes_job_uses_the_release_of_ray_that_is_pinned(job: dict[str, Any]) -> None:
    pinned = re.search(r"(?m)^ray(?:\[.*\])?==(.+)$", (ROOT / "constraints.txt").read_text())

    assert pinned is not None
    assert job["spec"]["rayClusterSpec"]["rayVersion"] == pinned[1].strip()


SRUN = """#!/bin/bash
echo "srun $*" >> "$CALLS"
while [[ $1 == -* ]]; do shift; done
exec "$@"
"""

TOOLS = {
    "bin/srun": SRUN,
    "bin/scontrol": "#!/bin/bash\n"
    'echo "scontrol $*" >> "$CALLS"\n'
    '[ "$1" != show ] || printf "n1\\nn2\\nn3\\n"\n',
    ".venv/bin/ray": '#!/bin/bash\necho "ray $* token=$RAY_AUTH_MODE at $RAY_AUTH_TOKEN_PATH" >> "$CALLS"\n'
    "if [[ $* == *--head* && -n $HEAD_DIES ]]; then\n"
    '    while ! [ -e "$CALLS.$HEAD_DIES" ]; do sleep 0.1; done; exit 1\nfi\n'
    "exec sleep 60\n",
    ".venv/bin/python": '#!/bin/bash\necho "python ${*//$\'\\n\'/ }" >> "$CALLS"\n'
    'mkdir -p "${RAY_AUTH_TOKEN_PATH%/*}"; touch "$RAY_AUTH_TOKEN_PATH"\n'
    '[[ $* != *answers* ]] || { touch "$CALLS.asked"; [ "$HEAD_DIES" != asked ]; }\n',
    ".venv/bin/study": "#!/bin/bash\n"
    'echo "study $*" >> "$CALLS"\n'
    "trap 'sleep 0.3; exit 143' TERM\n"
    # Not before all nodes are there: they start side by side.
    'if [ -n "$STATUS" ]; then\n'
    '    until [ "$(grep -c nodelist= "$CALLS")" -ge 3 ]; do sleep 0.05; done; exit "$STATUS"\nfi\n'
    "touch \"$CALLS.busy\"; while true; do sleep 0.1; done\n",
}  # fmt: skip
"""Slurm, Ray and the study, pretended."""


class Batch:
    """A run of the Slurm script on a machine where all tools only pretend."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.calls = folder, folder / "calls"
        for name, script in TOOLS.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(script)
            path.chmod(0o755)

    def start(self, status: str = "", head_dies: str = "") -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["bash", str(ROOT / "deploy" / "slurm.sh"), "imdb", "--trials", "9"],
            env={
                "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
                "HOME": str(self.folder),
                "STUDY_HOME": str(self.folder),
                "HEAD_DIES": head_dies,
                "SLURM_JOB_ID": "7",
                "SLURM_JOB_NODELIST": "n[1-3]",
                "SLURM_CPUS_PER_TASK": "16",
                "CALLS": str(self.calls),
                "STATUS": status,
            },
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def said(self) -> list[str]:
        return self.calls.read_text().splitlines()


@pytest.fixture
def batch(tmp_path: Path) -> Batch:
    return Batch(tmp_path)


def end(process: subprocess.Popen[str]) -> tuple[int, str]:
    status = process.wait(timeout=20)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # its pretended nodes; Slurm would end them
    return status, process.communicate()[1]


def test_the_slurm_script_starts_a_node_each_with_token_and_the_study_beside_the_head(batch: Batch) -> None:
    status, _ = end(batch.start(status="1"))

    said = batch.said()
    assert status == 1
    assert not (batch.folder / ".ray" / "slurm-7").exists()
    rays = [line for line in said if line.startswith("ray ")]
    assert all(line.endswith(f"token=token at {batch.folder}/.ray/slurm-7/auth_token") for line in rays)
    assert any("--head --port=20007 --num-cpus=16" in line for line in rays)
    assert all(line.count("--min-worker-port=0 --max-worker-port=0") == 1 for line in rays)
    assert "--include-dashboard=false" in next(line for line in rays if "--head" in line)
    nodes = [word for line in said if line.startswith("srun") for word in line.split() if "nodelist" in word]
    assert sorted(nodes) == ["--nodelist=n1", "--nodelist=n2", "--nodelist=n3"]
    assert "study run imdb --trials 9 --address n1:20007" in said
    assert "scontrol requeue 7" not in said


def test_the_slurm_script_passes_a_signal_on_and_queues_the_study_again(batch: Batch) -> None:
    process = batch.start()
    deadline = time.monotonic() + 20
    while not batch.calls.with_name("calls.busy").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)

    process.terminate()

    assert end(process) == (143, "")
    assert (batch.folder / ".ray" / "slurm-7" / "auth_token").exists()
    assert batch.said()[-1] == "scontrol requeue 7"


def test_the_slurm_script_begins_no_study_where_the_head_never_came_up(batch: Batch) -> None:
    status, said = end(batch.start(head_dies="asked"))

    assert status == 3
    assert said.endswith("nothing recorded is lost, sbatch goes on\n")
    assert not any(line.startswith("study ") for line in batch.said())


def test_the_slurm_script_ends_the_study_where_the_step_of_the_head_has_died(batch: Batch) -> None:
    status, said = end(batch.start(head_dies="busy"))

    assert status == 3
    assert "the step of Ray's head on n1 has ended" in said
    assert "study run imdb --trials 9 --address n1:20007" in batch.said()
    assert "scontrol requeue 7" not in batch.said()


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_the_slurm_script_is_clean() -> None:
    checked = subprocess.run(["shellcheck", ROOT / "deploy" / "slurm.sh"], capture_output=True, text=True)

    assert (checked.returncode, checked.stdout) == (0, "")
