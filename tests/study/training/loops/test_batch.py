from __future__ import annotations

import numpy as np
import pytest
import threadpoolctl

from study.training.loops import batch


@pytest.mark.parametrize(
    ("architecture", "sizes"), [("Haswell", [128, 72]), ("Zen", [128, 72]), ("SkylakeX", [48, 48, 48, 48, 8])]
)
def test_blocks_are_small_only_where_small_products_are_computed_in_place(
    architecture: str, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threadpoolctl, "threadpool_info", lambda: [{"architecture": architecture}, {}])
    batch.computes_in_place.cache_clear()

    blocks = batch._blocks(np.empty((200, 2, 128), np.float32), 128)

    batch.computes_in_place.cache_clear()
    assert [block.stop - block.start for block in blocks] == sizes
