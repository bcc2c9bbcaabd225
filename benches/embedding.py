"""semihv-torch against transformers: CPU time of embedding with MiniLM, one thread each.

    cargo build --release -p semihv-torch
    python3 -m venv venv && venv/bin/pip install torch==2.13.0 transformers
    src/torch/fetch-libtorch minilm
    venv/bin/python benches/embedding.py [target/release/semihv-torch]

Both sides are processes of their own and get the same sentences; tokenizing is counted, and for
semihv-torch its JSON too. Rounds alternate; the smallest of each side counts. Ends with 1 where a
ratio is above the bar.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MODEL = ROOT / "third_party/minilm"
SENTENCE = (
    "Axial contrast-enhanced CT of the chest shows a round mass of {} mm in the right lower lobe "
    "with mediastinal lymph nodes and a small pleural effusion"
)
BAR = 1.10
ROUNDS = 8


def cpu(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peer():
    """The other side: transformers behind the same kind of pipe."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(MODEL)
    model = AutoModel.from_pretrained(MODEL).eval()
    for line in sys.stdin:
        texts = json.loads(line)
        with torch.inference_mode():
            batch = tokenizer(texts, padding=True, truncation=True, max_length=256,
                              return_tensors="pt")
            states = model(**batch).last_hidden_state
            mask = batch["attention_mask"].unsqueeze(-1)
            mean = (states * mask).sum(1) / mask.sum(1).clamp(min=1e-9)
            vectors = torch.nn.functional.normalize(mean, dim=-1)
        print(json.dumps([len(vectors), torch.__version__]), flush=True)


class Side:
    def __init__(self, command):
        environment = dict(os.environ, OMP_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false")
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=subprocess.DEVNULL, text=True, env=environment)

    def say(self, value):
        self.child.stdin.write(json.dumps(value) + "\n")
        self.child.stdin.flush()
        return json.loads(self.child.stdout.readline())

    def round(self, value, repeats):
        begin, wall = cpu(self.child.pid), time.perf_counter()
        for _ in range(repeats):
            self.say(value)
        wall = time.perf_counter() - wall
        return 1000 * (cpu(self.child.pid) - begin) / repeats, 1000 * wall / repeats


def main(program):
    ours = Side([program, "serve", "--stdio", "--threads", "1"])
    welcome = ours.say({"id": 1, "op": "hello", "v": 1, "client": "bench"})["ok"]
    model = ours.say({"id": 2, "op": "open", "folder": str(MODEL)})["ok"]["name"]
    theirs = Side([sys.executable, __file__, "--peer"])
    version = theirs.say(["a"])[1]
    print(f"libtorch {welcome['torch']}, PyTorch {version}, one thread each")
    worst = 0
    for count, repeats in [(16, 10), (1, 100)]:
        texts = [SENTENCE.format(10 + i) for i in range(count)]
        request = {"id": 3, "op": "embed", "model": model, "texts": texts}
        assert "ok" in ours.say(request)
        theirs.say(texts)
        rounds = [(ours.round(request, repeats), theirs.round(texts, repeats))
                  for _ in range(ROUNDS)]
        (a, wall_a), (b, wall_b) = (tuple(map(min, zip(*side))) for side in zip(*rounds))
        print(f"batch {count:2}: semihv-torch {a:.1f} ms CPU ({wall_a:.1f} wall), "
              f"transformers {b:.1f} ms CPU ({wall_b:.1f} wall), CPU ratio {a / b:.2f}")
        worst = max(worst, a / b)
    for side in (ours, theirs):
        side.child.stdin.close()
        side.child.wait()
    print(f"worst ratio {worst:.2f}, bar {BAR}")
    return worst > BAR


if __name__ == "__main__":
    if sys.argv[1:] == ["--peer"]:
        peer()
    else:
        sys.exit(main(*(sys.argv[1:] or [str(ROOT / "target/release/semihv-torch")])))
