"""What a GPU is worth: seconds an epoch by cuDNN, by Keras without it and by the compiled cells of a CPU.

    python benchmarks/gpu.py [--sizes 3] [--at-once 1 2 4]

Each way trains the same classifier from the same weights on the same random texts, in a process of its own:
one epoch to warm up, then the best of two. The losses of the first epoch say whether they agree. A second
table has several processes share the GPU, as trials do with `gpus_per_trial` below 1: texts a second of all
together. Ten minutes at most on one card; without a GPU only the CPU's column is filled, and the status is 3.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any, Literal

Way = Literal["cudnn", "keras", "cpu"]

SIZES = ((16, 50), (64, 150), (128, 400))
CELLS = ("rnn", "gru", "lstm")
VOCAB_SIZE, EMBEDDING_DIM, BATCH_SIZE, N_TEXTS = 10_000, 64, 64, 1920
LIMIT_S = 120.0
"""No process is waited for longer."""


@dataclass(frozen=True)
class Question:
    """What one process trains.

    Attributes:
        cell: rnn, gru or lstm.
        units: Of each of both directions.
        length: Tokens of a text.
        way: Who computes the recurrence.
        n_epochs: Timed ones, after the first.
    """

    cell: str
    units: int
    length: int
    way: Way
    n_epochs: int = 2


@dataclass(frozen=True)
class Answer:
    """What came of it.

    Attributes:
        device: The card's name, or none.
        ops: Whether operations of cuDNN stand in the graph.
        loss: Mean of the first epoch's batches.
        first_s: Seconds of the first epoch, building and tracing included.
        epoch_s: Seconds of the fastest later one.
        began: When the timed epochs began, in seconds of the machine's clock.
        ended: When they ended.
    """

    device: str | None
    ops: bool
    loss: float
    first_s: float
    epoch_s: float
    began: float
    ended: float


def build(question: Question) -> tuple[Any, Any]:
    """Return the classifier and its optimizer, the same weights for each way."""
    import keras

    from study.training.cells import embedding_layer, fused_optimizer, recurrent_layer

    keras.utils.set_random_seed(0)
    options: dict[str, Any] = (
        {"use_cudnn": False} if question.way == "keras" and question.cell != "rnn" else {}
    )
    ids = keras.Input((question.length,), dtype="int32")
    x = embedding_layer(VOCAB_SIZE, EMBEDDING_DIM, cells="auto")(ids)
    x = recurrent_layer(
        question.cell,  # type: ignore[arg-type]
        question.units,
        return_sequences=False,
        cells="auto",
        bidirectional=True,
        **options,
    )(x)
    model = keras.Model(ids, keras.layers.Dense(1)(x))
    optimizer = keras.optimizers.Adam()
    if question.way == "cpu":
        optimizer = fused_optimizer(optimizer)
    optimizer.build(model.trainable_variables)
    return model, optimizer


def draw_texts(length: int) -> tuple[Any, Any]:
    """Return random ids with the frequencies of words, and random labels."""
    import numpy as np

    rng = np.random.default_rng(0)
    frequency = 1 / np.arange(1, VOCAB_SIZE + 1)
    words = rng.choice(VOCAB_SIZE, (N_TEXTS, length), p=frequency / frequency.sum())
    return words.astype(np.int32), rng.integers(0, 2, (N_TEXTS, 1)).astype(np.float32)


def train(question: Question) -> Answer:
    """Train in this process."""
    from study.training.process import prepare_process

    prepare_process(1)
    import numpy as np
    import tensorflow as tf

    start = time.perf_counter()
    model, optimizer = build(question)
    texts, labels = (tf.constant(array) for array in draw_texts(question.length))

    @tf.function  # type: ignore[untyped-decorator]
    def step(ids: Any, labels: Any) -> Any:
        with tf.GradientTape() as tape:
            scores = model(ids, training=True)
            loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels, scores))
        variables = model.trainable_variables
        optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    def epoch() -> float:
        rows = range(0, N_TEXTS, BATCH_SIZE)
        losses = [step(texts[i : i + BATCH_SIZE], labels[i : i + BATCH_SIZE]) for i in rows]
        return float(np.mean([loss.numpy() for loss in losses]))  # waits for the card

    loss = epoch()
    first_s, began, seconds = time.perf_counter() - start, time.time(), []
    for _ in range(question.n_epochs):
        start = time.perf_counter()
        epoch()
        seconds.append(time.perf_counter() - start)
    cards = tf.config.list_physical_devices("GPU")
    name = tf.config.experimental.get_device_details(cards[0]).get("device_name") if cards else None
    graph = step.get_concrete_function(texts[:BATCH_SIZE], labels[:BATCH_SIZE]).graph.as_graph_def()
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    has_cudnn = any(node.op.startswith("CudnnRNN") for node in nodes)
    return Answer(name, has_cudnn, loss, first_s, min(seconds), began, time.time())


def begin(question: Question) -> subprocess.Popen[str]:
    """Begin a process that trains."""
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    if question.way == "cpu":
        environment["CUDA_VISIBLE_DEVICES"] = "-1"
    command = [sys.executable, __file__, "--child", json.dumps(asdict(question))]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(process: subprocess.Popen[str]) -> Answer:
    """Wait for what a process found."""
    try:
        said, complaints = process.communicate(timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        raise SystemExit(f"a process took over {LIMIT_S:.0f} s") from None
    if process.returncode:
        raise SystemExit("\n".join(complaints.strip().splitlines()[-3:]))
    return Answer(**json.loads(said.splitlines()[-1]))


def compare(cell: str, units: int, length: int, ways: tuple[Way, ...]) -> str:
    """Return a line of the first table."""
    answers = {way: finish(begin(Question(cell, units, length, way))) for way in ways}
    seconds = [
        f"{answers[way].epoch_s:8.3f}" if way in answers else f"{'-':>8}" for way in ("cudnn", "keras", "cpu")
    ]
    losses = [answer.loss for answer in answers.values()]
    by = "cuDNN" if any(answer.ops for answer in answers.values()) else "no cuDNN"
    return f"{cell:<5} {units:>5} x {length:<4} {' '.join(seconds)}   {max(losses) - min(losses):.1e}  {by}"


def share(n_processes: int) -> str:
    """Return a line of the second table: as many trials on one card."""
    question = Question("lstm", *SIZES[1], "cudnn", n_epochs=12)
    answers = [finish(process) for process in [begin(question) for _ in range(n_processes)]]
    overlap = min(a.ended for a in answers) - max(a.began for a in answers)
    whole = max(a.ended for a in answers) - min(a.began for a in answers)
    rate = n_processes * question.n_epochs * N_TEXTS / whole
    return (
        f"{n_processes:>8} {rate:>10.0f} texts/s, {max(overlap, 0) / whole:.0%} of the time beside each other"
    )


def main() -> int:
    """Print both tables; 3 without a GPU."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", type=int, default=len(SIZES), help="so many, the smallest first")
    parser.add_argument("--at-once", type=int, nargs="*", default=[1, 2, 4], help="trials on one card")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(asdict(train(Question(**json.loads(options.child))))))
        return 0
    card = finish(begin(Question("rnn", 2, 3, "cudnn", n_epochs=1))).device
    print(f"card: {card or 'none'}; {N_TEXTS} texts, batch {BATCH_SIZE}, 1 layer, 2 directions; s an epoch")
    print(f"{'cell':<5} {'units x length':<12}  {'cuDNN':>8} {'Keras':>8} {'CPU':>8}   losses differ by")
    for units, length in SIZES[: options.sizes]:
        for cell in CELLS:
            on_card: tuple[Way, ...] = ("keras",) if cell == "rnn" else ("cudnn", "keras")
            print(compare(cell, units, length, (*(on_card if card else ()), "cpu")), flush=True)
    if not card:
        return 3
    print("trials on one card, LSTM {} x {}:".format(*SIZES[1]))
    for n_processes in options.at_once:
        print(share(n_processes), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
