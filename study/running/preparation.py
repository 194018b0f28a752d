"""What precedes the runs of a leg: its texts are read and its records opened, and what they are is said."""

from __future__ import annotations

from search_spaces.documents import dump_document
from study.data import Corpus, EncodedCorpus, check_train_sizes, load_corpus
from study.data.reading.sentences import explain_reading
from study.data.warnings import explain_classes, explain_tokens, find_warnings
from study.machine.background import Background
from study.running.listener import Listener
from study.spec.parameters import extremes
from study.spec.schema import StudySpec
from study.store.directory import StudyDirectory
from study.store.facts import describe_facts
from study.store.files import remove, write_atomically
from study.store.ledger import Ledger
from study.store.manifest import Manifest, Purpose
from study.training.class_weights import check_class_weight


def read_texts(spec: StudySpec, purpose: Purpose, listener: Listener) -> Corpus:
    """Read the texts of a study; where something is new, say how they were read and what is trained on them.

    Args:
        spec: What the study asks.
        purpose: Of the leg: one that only goes on says nothing again.
        listener: Hears it.

    Raises:
        StudyError: If the texts cannot be used, or not as the study asks.
    """
    listener.on_stage(f"reading {spec.data.source_name}")
    corpus = load_corpus(spec.data)
    check_class_weight(spec.training.class_weight, corpus.classes)
    check_train_sizes(spec.space, corpus)
    if purpose == "run" and corpus.reading is not None:
        listener.on_design(explain_reading(corpus.reading))
    if purpose in ("run", "extend"):
        listener.on_design(spec.design.explain(spec.space, spec.seeds, spec.seed))
        listener.on_design(explain_classes(corpus))
        for warning in spec.space.warnings():
            listener.on_warning(warning)
    return corpus


def open_records(
    directory: StudyDirectory,
    spec: StudySpec,
    corpus: Corpus,
    encoding: Background[EncodedCorpus],
    listener: Listener,
) -> tuple[Ledger, Manifest]:
    """Open the records and the manifest of a study, or begin both.

    Args:
        directory: The study's, locked by this process.
        spec: What the study asks.
        corpus: Its texts.
        encoding: The same as ids: a new study's are looked at for what may spoil it.
        listener: Hears of that.

    Raises:
        IntegrityError: If records or manifest are damaged, or the texts are not those of the study.
    """
    if directory.spec.exists():
        manifest = Manifest.open(directory)
        manifest.check_data(corpus)
        return Ledger.open(directory.records), manifest
    manifest = Manifest.create(directory, spec, corpus)
    remove(directory.records)
    lengths = spec.space.parameters.get("sequence_length")
    longest = max(extremes(lengths)) if lengths is not None else None
    warnings = find_warnings(corpus, encoding.result(), longest)
    listener.on_design([explain_tokens(corpus, encoding.result())])
    for warning in warnings:
        listener.on_warning(f"the texts: {warning}")
    facts = describe_facts(spec, corpus, warnings)
    ledger = Ledger.create(directory.records, facts, corpus.labels_of("validation"))
    # The spec comes last: a folder without it holds no study, and is begun again.
    write_atomically(directory.spec, dump_document(spec.to_document()))
    return ledger, manifest
