"""Whether the nodes train with what the driver would train with: each says so in its first report."""

from __future__ import annotations

from analysis.records.nodes import compare_versions, training_versions
from analysis.records.provenance import say_changes
from study.errors import EnvironmentFaultError
from study.running.listener import Listener
from study.store.manifest import Manifest, is_foreign
from study.trial import Report


class NodeCheck:
    """Notes each node that trains in the manifest, says once what it differs in, and refuses other releases.

    Args:
        manifest: Its last leg is the one that runs.
        listener: Hears of differences.
    """

    def __init__(self, manifest: Manifest, listener: Listener) -> None:
        self._manifest, self._listener = manifest, listener
        self._versions = training_versions()
        self._checked: set[tuple[str, tuple[str, ...]]] = set()

    def check(self, report: Report) -> None:
        """Check the node of a report; all but the first of each process say nothing of it.

        Raises:
            EnvironmentFaultError: If the node has another release of this project, TensorFlow or Keras.
        """
        if report.node is None or report.versions is None:
            return
        key = report.node, tuple(report.versions.values())
        if key in self._checked:
            return
        self._checked.add(key)
        differences = compare_versions(self._versions, report.versions)
        self._manifest.note_node(report.node, differences)
        if is_foreign(differences):
            raise EnvironmentFaultError(
                f"a study is trained by one release: node {report.node} has {say_changes(differences)}, the "
                "driver's; install the same there (`study doctor --address auto` compares all nodes); "
                "nothing that was recorded is lost, `study resume` goes on"
            )
        if differences:
            self._listener.on_warning(
                f"node {report.node} trains with {say_changes(differences)}, the driver's; the report says "
                "which runs are its own"
            )
