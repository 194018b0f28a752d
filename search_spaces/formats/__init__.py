"""Readers of what other tools write, one module each: from their documents to a space's own.

They build plain documents and know no space, so that `Space.from_wandb` and the like can call them.
"""

from __future__ import annotations
