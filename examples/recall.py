"""How many steps back does each cell remember? A study for each distance, and the answer as a table.

The truth is known: a token decides the label, and only noise follows it. Run it from the project's root:

    python examples/recall.py 5 10 20 30
"""

from __future__ import annotations

import math
import sys

import study


def main(distances: list[int]) -> None:
    """Run one study for each distance, and print the best validation accuracy of each cell."""
    results = {}
    for distance in distances:
        length = 3 * distance
        results[distance] = study.run(
            "recall",
            name=f"recall-{distance}",
            data={"recall": {"distance": distance, "length": length}},
            space={"sequence_length": length + 1},  # every text begins with a token that says so
            training={"max_epochs": 25, "gradients": True},
        )
    print("best validation accuracy by distance: the token that tells lies that far from the end to twice as")
    for distance, result in results.items():
        best = result.trials.groupby("cell")["val_accuracy"].max()
        cells = ", ".join(f"{cell} {best.get(cell, math.nan):.3f}" for cell in ("rnn", "gru", "lstm"))
        print(f"{distance:>4}: {cells}")


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]] or [5, 10, 20, 30])
