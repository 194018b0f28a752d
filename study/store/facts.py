"""The facts of a study: what a reader of its records must know."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.records.schema import StudyFacts
from study.data import Corpus
from study.designs import SearchDesign
from study.spec.schema import StudySpec


def describe_facts(spec: StudySpec, corpus: Corpus, data_warnings: Sequence[str] = ()) -> StudyFacts:
    """Return the facts of a study that begins, with what is doubtful of its texts."""
    design = spec.design
    search = design if isinstance(design, SearchDesign) else None
    sizes = corpus.splits.sizes()
    return StudyFacts(
        name=spec.name,
        description=spec.description,
        source=corpus.source,
        classes=corpus.classes,
        data_warnings=tuple(data_warnings),
        n_train=sizes["train"],
        n_validation=sizes["validation"],
        n_test=sizes["test"],
        validated_on=corpus.validated_on,
        objective=spec.objective,
        max_epochs=spec.training.max_epochs,
        design=design.kind,
        sampler=search.sampler if search else None,
        scheduler=search.scheduler if search else None,
        study_seed=spec.seed,
        space=spec.space.to_document(),
        spec=spec.to_document(),
    )


def extend_facts(facts: StudyFacts, spec: StudySpec) -> StudyFacts:
    """Return the facts of a study whose spec has grown."""
    return facts.model_copy(
        update={
            "description": spec.description,
            "max_epochs": spec.training.max_epochs,
            "spec": spec.to_document(),
        }
    )
