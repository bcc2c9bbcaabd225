#!/usr/bin/env python3
"""An image must find its case's text: `pictures.py MEDPIX SEMIHV SEMIHV_TORCH MODEL [PICTURES]`.

MEDPIX is a folder in MedPix 2.0's layout. The cases that have images here are dealt into five
parts. Of four the retriever is trained (`semihv retrieval features`, `semihv-torch
train-retriever`, text by MODEL, pictures by PICTURES or else the counted encoder), and the images of the fifth are
queries against the texts of its cases, once with the trained projection and once without: there
no text is near an image and nothing is found. Chance is what a draw among the cases would find.
"""

import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

PARTS = 5


def lines(path, objects):
    path.write_text("".join(json.dumps(it) + "\n" for it in objects))


class Bench:
    def __init__(self, semihv, torch, models, place):
        self.semihv, self.torch, self.place = semihv, torch, place
        names = ("encoder", "image_encoder")
        models = (str(pathlib.Path(model).resolve()) for model in models)
        self.settings = dict(zip(names, models))
        os.environ["SEMIHV_TORCH"] = str(pathlib.Path(torch).resolve())

    def run(self, *words):
        done = subprocess.run([self.semihv, *map(str, words)], capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{words}: {done.stderr}")
        return done.stdout

    def workspace(self, name, rows, settings):
        work = self.place / name
        lines(self.place / f"{name}.jsonl", rows)
        self.run("init", work)
        said = "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items())
        manifest = work / "semihv.toml"
        manifest.write_text(manifest.read_text().replace("[settings]\n", f"[settings]\n{said}"))
        rows = self.place / f"{name}.jsonl"
        self.run("import", "jsonl", rows, "--as", "set", "--workspace", work)
        self.run("index", "--workspace", work)
        return work

    def part(self, number, train, test):
        settings = dict(self.settings)
        work = self.workspace(f"train{number}", train, settings)
        features = self.place / f"features{number}.safetensors"
        self.run("retrieval", "features", features, "--workspace", work)
        out = self.place / f"retriever{number}"
        subprocess.run(
            [self.torch, "train-retriever", "--features", str(features), "--out", str(out)]
            + "--epochs 60 --batch 64 --lr 0.001 --dim 128 --seed 1 --threads 1".split(),
            check=True,
            capture_output=True,
        )
        checkpoint = str(out / "checkpoint.safetensors")
        texts = [{**row, "images": []} for row in test]
        queries, judged = [], []
        for row in test:
            for image in row["images"]:
                name = f"{row['key']}-{image['key']}"
                queries.append({"id": name, "image": str(self.place / image["path"])})
                judged.append(f"{name} 0 {row['key']} 1\n")
        lines(self.place / "queries.jsonl", queries)
        (self.place / "qrels.txt").write_text("".join(judged))
        settings["retriever"] = checkpoint
        work = self.workspace(f"test{number}", texts, settings)
        self.run("vectors", "--workspace", work)
        said = self.run(
            *("retrieval", "eval", self.place / "qrels.txt"),
            *("--queries", self.place / "queries.jsonl", "--pool", "case"),
            *("--measure", "Hit@1,Hit@5,MRR", "--json", "--workspace", work),
        )
        report = json.loads(said)["report"]["pools"][0]
        means = next(it["means"] for it in report["lists"] if it["name"] == "vectors")
        return report["queries"], len(test), means


def main():
    folder, semihv, torch, *models = sys.argv[1:]
    folder = pathlib.Path(folder).resolve()
    every = json.loads((folder / "Case_topic.json").read_text())
    rows = []
    for case in every:
        images = [name for name in case["TAC"] + case["MRI"]]
        found = [
            {"key": name, "path": f"images/{name}.png"}
            for name in images
            if (folder / "images" / f"{name}.png").exists()
        ]
        texts = [
            {"heading": heading, "text": text}
            for heading, text in case["Case"].items()
            if isinstance(text, str) and text.strip() not in ("", "N/A")
        ]
        if found:
            title = case["Case"]["Title"]
            rows.append(
                {"key": case["U_id"], "title": title, "sections": texts, "images": found}
            )
    random.Random(1).shuffle(rows)
    total, sums, chance = 0, [0.0, 0.0, 0.0], [0.0, 0.0]
    with tempfile.TemporaryDirectory() as place:
        shutil.copytree(folder / "images", pathlib.Path(place) / "images")
        bench = Bench(semihv, torch, models, pathlib.Path(place))
        for number in range(PARTS):
            test = rows[number::PARTS]
            train = [row for row in rows if row not in test]
            queries, cases, means = bench.part(number, train, test)
            total += queries
            sums = [total_ + mean * queries for total_, mean in zip(sums, means)]
            chance[0] += queries / cases
            chance[1] += queries * min(5, cases) / cases
            print(f"part {number + 1}: {queries} images, {cases} cases, Hit@1 {means[0]:.3f}")
    hit1, hit5, mrr = (value / total for value in sums)
    print(f"{total} images: Hit@1 {hit1:.3f} (chance {chance[0] / total:.3f}), "
          f"Hit@5 {hit5:.3f} (chance {chance[1] / total:.3f}), MRR {mrr:.3f}")


if __name__ == "__main__":
    main()
