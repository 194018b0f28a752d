"""Which tool wrote an object: told by the keys that no other tool's documents have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SWEEP = {"method", "metric", "program", "command", "early_terminate"}
_OWN_DOMAIN = {"low", "high", "log", "step", "mean", "std", "choice", "ordered", "weights"}


def detect_format(found: Any) -> str | None:
    """The name of the format, as `conversion` lists them; None where none is recognised.

    Args:
        found: What a YAML or JSON file holds.
    """
    if isinstance(found, list):
        return _detect_list(found)
    if not isinstance(found, Mapping):
        return None
    if "hyperparameters" in found:
        listed = isinstance(found["hyperparameters"], list)
        return "configspace" if listed else "kerastuner"
    if _is_list_of(found.get("space"), "class_name"):
        return "kerastuner"
    if "searchSpace" in found or "search_space" in found:
        return "nni"
    if "study_spec" in found or "studySpec" in found:
        return "vizier"
    if isinstance(spec := found.get("spec"), Mapping) and "parameters" in spec:
        return "katib"
    if isinstance(found.get("parameters"), list):
        return _detect_list(found["parameters"])
    if isinstance(found.get("parameters"), Mapping):
        return "yaml" if _is_own(found) else "wandb"
    return _detect_flat(found)


def _detect_list(found: list[Any]) -> str | None:
    if _is_list_of(found, "parameterType"):
        return "katib"
    if _is_list_of(found, "parameterId") or _is_list_of(found, "parameter_id"):
        return "vizier"
    return "ax" if _is_list_of(found, "name") else None


def _detect_flat(found: Mapping[str, Any]) -> str | None:
    """What maps names to domains, without a key around it."""
    domains = [value for value in found.values() if isinstance(value, Mapping)]
    if any("domain_cls" in domain for domain in domains):
        return "synetune"
    if domains and all("_type" in domain for domain in domains):
        return "nni"
    if len(domains) == len(found) and all({"name", "attributes"} <= domain.keys() for domain in domains):
        return "optuna" if domains else None
    return None


def _is_own(found: Mapping[str, Any]) -> bool:
    """Whether it is a document of ours: a sweep's parameters are all mappings, with other keys."""
    if found.keys() & _SWEEP:
        return False
    domains = found["parameters"].values()
    mappings = [domain for domain in domains if isinstance(domain, Mapping)]
    return len(mappings) < len(domains) or all(domain.keys() <= _OWN_DOMAIN for domain in mappings)


def _is_list_of(found: Any, key: str) -> bool:
    return isinstance(found, list) and bool(found) and all(isinstance(e, Mapping) and key in e for e in found)
