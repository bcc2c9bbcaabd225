"""Writes the demo's two training logs: one run that finished, one that is still growing.

Usage: python3 tests/golden/make_demo_logs.py workspace-template/demo/logs

The same seed gives the same bytes. Both look as the Hugging Face Trainer prints them: a header,
one dictionary a step, checkpoint lines, a summary. The finished run has a loss spike that
recovers; the growing one stops in the middle of a line.
"""

import math
import pathlib
import random
import sys


def header(examples, epochs, batch, accumulation, steps, parameters):
    return [
        "***** Running training *****",
        f"  Num examples = {examples:,}",
        f"  Num Epochs = {epochs:,}",
        f"  Instantaneous batch size per device = {batch:,}",
        f"  Total train batch size (w. parallel, distributed & accumulation) = {batch * accumulation:,}",
        f"  Gradient Accumulation steps = {accumulation:,}",
        f"  Total optimization steps = {steps:,}",
        f"  Number of trainable parameters = {parameters:,}",
    ]


def learning_rate(step, steps, peak, warm_up):
    if step <= warm_up:
        return peak * step / warm_up
    return 0.5 * peak * (1 + math.cos(math.pi * (step - warm_up) / (steps - warm_up)))


def spike(step, at):
    """Extra loss: up within two steps, down again with a half-life of four."""
    if step < at:
        return 0.0
    if step < at + 2:
        return 1.6 * (step - at + 1)
    return 3.2 * 0.5 ** ((step - at - 1) / 4)


def step_line(loss, norm, rate, epoch):
    return (
        f"{{'loss': {loss:.4f}, 'grad_norm': {norm:.4f}, "
        f"'learning_rate': {rate:.6e}, 'epoch': {epoch:.3f}}}"
    )


def tune(chance):
    steps, a_epoch, peak = 600, 200, 2e-5
    lines = header(7_200, 3, 6, 6, steps, 7_615_616_512)
    for step in range(1, steps + 1):
        extra = spike(step, 342)
        loss = 0.94 + 1.62 * math.exp(-step / 95) + chance.gauss(0, 0.035) + extra
        norm = 0.85 + 3.0 * math.exp(-step / 30) + abs(chance.gauss(0, 0.12)) + 11.5 * extra
        rate = learning_rate(step, steps, peak, 18)
        lines.append(step_line(loss, norm, rate, step / a_epoch))
        if step % 200 == 0:
            eval_loss = 0.99 + 1.3 * math.exp(-step / 120)
            lines.append(
                f"{{'eval_loss': {eval_loss:.4f}, 'eval_runtime': {41 + chance.random():.4f}, "
                f"'eval_samples_per_second': 14.6, 'epoch': {step / a_epoch:.1f}}}"
            )
            lines.append(f"Saving model checkpoint to runs/tune-demo/checkpoint-{step}")
    lines.append("Training completed.")
    lines.append(
        "{'train_runtime': 5412.8173, 'train_samples_per_second': 3.991, "
        "'train_steps_per_second': 0.111, 'train_loss': 1.2041, 'epoch': 3.0}"
    )
    return "\n".join(lines) + "\n"


def anneal(chance):
    steps, a_epoch, peak, reached = 300, 150, 1e-5, 171
    lines = header(5_400, 2, 6, 6, steps, 7_615_616_512)
    for step in range(1, reached + 1):
        loss = 0.71 + 0.31 * math.exp(-step / 60) + chance.gauss(0, 0.028)
        norm = 0.72 + abs(chance.gauss(0, 0.09))
        lines.append(step_line(loss, norm, learning_rate(step, steps, peak, 9), step / a_epoch))
        if step % 100 == 0:
            lines.append(f"Saving model checkpoint to runs/anneal-demo/checkpoint-{step}")
    return "\n".join(lines) + "\n{'loss': 0.7"


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tune-demo.log").write_text(tune(random.Random(600)), encoding="ascii")
    (folder / "anneal-demo.log").write_text(anneal(random.Random(300)), encoding="ascii")


if __name__ == "__main__":
    main()
