"""A study as a Ray job: handed to a cluster, where it runs on when this machine is gone."""

from __future__ import annotations

import shlex
import tempfile
from pathlib import Path

from search_spaces.documents import dump_document
from study.cluster.session import ensure_token
from study.errors import EnvironmentFaultError, StudyError
from study.spec.presets import find_document
from study.spec.schema import StudySpec

SPEC_FILE = "study.yaml"


def submit_study(spec: str, address: str, out: str) -> str:
    """Check a spec, send it to the cluster and start it there; return the job's id.

    The cluster's nodes have the project installed already; only the spec travels. Data that are named by a
    path must lie there, under the same path.

    Args:
        spec: A preset or a YAML file.
        address: The cluster's dashboard, `http://HOST:8265`; best reached through `ray attach` or ssh.
        out: Folder of studies on the head.

    Raises:
        StudyError: If the spec is not sound.
        EnvironmentFaultError: If the dashboard cannot be reached, or its package is not installed here.
    """
    document, source = find_document(spec)
    checked = StudySpec.from_document(document, source)
    if not address.startswith(("http://", "https://")):
        raise StudyError(f"a dashboard has a web address: {address!r} is none; give http://HOST:8265")
    ensure_token()
    import logging

    from ray.exceptions import AuthenticationError
    from ray.job_submission import JobSubmissionClient

    for teller in ("ray", "ray.dashboard.modules.dashboard_sdk"):
        logging.getLogger(teller).setLevel(logging.WARNING)  # of each package that travels
    with tempfile.TemporaryDirectory(prefix="study-submit-") as folder:
        Path(folder, SPEC_FILE).write_text(dump_document(checked.to_document()), encoding="utf-8")
        try:
            client = JobSubmissionClient(address)
            job: str = client.submit_job(
                entrypoint=entrypoint(out),
                runtime_env={"working_dir": folder},
                metadata={"study": checked.name},
            )
        except (ConnectionError, RuntimeError, AuthenticationError) as error:
            said = str(error).strip().splitlines() or [type(error).__name__]
            if "ray[default]" in str(error):
                raise EnvironmentFaultError(
                    "a job is handed over by Ray's dashboard package: it is not installed here; "
                    'pip install "ray[default]", or on the head: study run SPEC --address auto'
                ) from error
            raise EnvironmentFaultError(
                f"a job is handed to a cluster's dashboard: {address}: {said[0]}; check address and token, "
                "and that the head was started with its dashboard"
            ) from error
    return job


def entrypoint(out: str) -> str:
    """Return the command that the head runs; it joins the cluster that it is part of."""
    return shlex.join(["study", "run", SPEC_FILE, "--out", out, "--address", "auto"])
