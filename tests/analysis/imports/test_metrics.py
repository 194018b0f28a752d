from __future__ import annotations

import pytest

from analysis.imports.metrics import map_metrics


@pytest.mark.parametrize(
    ("names", "mapped"),
    [
        (["loss", "val_loss"], {"train_loss": "loss", "val_loss": "val_loss"}),
        (["loss"], {"val_loss": "loss"}),
        (["mean_accuracy"], {"val_accuracy": "mean_accuracy"}),
        (["loss/train", "loss/val"], {"train_loss": "loss/train", "val_loss": "loss/val"}),
        (["Loss/train", "Loss/valid"], {"train_loss": "Loss/train", "val_loss": "Loss/valid"}),
        (
            ["train/epoch_loss", "validation/epoch_loss", "validation/epoch_accuracy"],
            {
                "train_loss": "train/epoch_loss",
                "val_loss": "validation/epoch_loss",
                "val_accuracy": "validation/epoch_accuracy",
            },
        ),
        (["eval_loss", "eval_accuracy"], {"val_loss": "eval_loss", "val_accuracy": "eval_accuracy"}),
        (
            ["sparse_categorical_accuracy", "val_sparse_categorical_accuracy"],
            {
                "train_accuracy": "sparse_categorical_accuracy",
                "val_accuracy": "val_sparse_categorical_accuracy",
            },
        ),
        (["val_auc", "val_f1_macro"], {"val_macro_f1": "val_f1_macro", "val_roc_auc": "val_auc"}),
        (["val_loss", "test_loss"], {"val_loss": "val_loss"}),
        (["val_loss", "learning_rate", "lr"], {"val_loss": "val_loss"}),
    ],
)
def test_names_of_many_tools_are_understood(names: list[str], mapped: dict[str, str]) -> None:
    assert map_metrics(names, {}, {}) == mapped


def test_what_the_user_says_comes_before_what_a_name_tells() -> None:
    given = {"val_loss": "loss"}

    assert map_metrics(["loss", "val_loss", "val_acc"], given, {}) == {
        "val_loss": "loss",
        "val_accuracy": "val_acc",
    }


def test_a_guess_counts_only_where_names_say_nothing() -> None:
    assert map_metrics(["value"], {}, {"value": "val_accuracy"}) == {"val_accuracy": "value"}
    assert map_metrics(["value", "val_acc"], {}, {"value": "val_accuracy"}) == {"val_accuracy": "val_acc"}
