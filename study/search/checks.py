"""What must be there for a study besides a valid spec, checked before anything is started."""

from __future__ import annotations

from study.search.samplers import check_sampler
from study.search.warm_start import check_sources
from study.spec.schema import StudySpec


def check_startable(spec: StudySpec) -> None:
    """Refuse what no new study can be run by: a run and whoever foretells one refuse the same.

    Raises:
        StudyError: If its sampler cannot work here or on its space, or what it starts from is no study.
    """
    check_sampler(spec.design, spec.space)
    check_sources(spec)
