#!/usr/bin/env python3
"""A topic's text must find its case: `topics.py MEDPIX SEMIHV [MODEL]`.

MEDPIX is a folder in MedPix 2.0's layout (Case_topic.json, splitted_dataset/data_dev.jsonl). The
cases of the dev split become a workspace with their history, exam and findings alone; every topic
(title and discussion) is then a query with one right answer. MODEL is a folder for `semihv-torch`; without it the counted
encoder is measured. Prints the table of `semihv retrieval eval`.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

# What names the disease would make it a search for its own title.
KEPT = {"History", "Exam", "Findings"}


def says(value):
    return isinstance(value, str) and value.strip() and value.strip() != "N/A"


def main():
    folder, semihv = pathlib.Path(sys.argv[1]), sys.argv[2]
    model = sys.argv[3] if len(sys.argv) > 3 else None
    every = json.loads((folder / "Case_topic.json").read_text())
    lines = (folder / "splitted_dataset/data_dev.jsonl").read_text().splitlines()
    dev = {json.loads(line)["U_id"] for line in lines if line.strip()}
    rows, queries, judged = [], [], []
    for case in (case for case in every if case["U_id"] in dev):
        key, written, topic = case["U_id"], case["Case"], case["Topic"]
        sections = [
            {"heading": heading, "text": text}
            for heading, text in written.items()
            if heading in KEPT and says(text)
        ]
        rows.append({"key": key, "title": key, "sections": sections})
        asked = [topic.get("Title"), topic.get("Disease Discussion")]
        asked = "\n".join(text for text in asked if says(text))
        if asked:
            queries.append({"id": key, "text": asked})
            judged.append(f"{key} 0 {key} 1")
    with tempfile.TemporaryDirectory() as place:
        place = pathlib.Path(place)
        write = lambda name, objects: (place / name).write_text(
            "".join(json.dumps(it) + "\n" for it in objects)
        )
        write("cases.jsonl", rows)
        write("queries.jsonl", queries)
        (place / "qrels.txt").write_text("\n".join(judged) + "\n")
        work = place / "ws"
        run = lambda *words: subprocess.run([semihv, *map(str, words)], check=True)
        run("init", work)
        if model:
            settings = work / "semihv.toml"
            text = settings.read_text()
            encoder = json.dumps(str(pathlib.Path(model).resolve()))
            settings.write_text(text.replace("[settings]", f"[settings]\nencoder = {encoder}"))
        run("import", "jsonl", place / "cases.jsonl", "--as", "dev", "--workspace", work)
        run("index", "--workspace", work)
        run("vectors", "--workspace", work)
        run(
            *("retrieval", "eval", place / "qrels.txt", "--queries", place / "queries.jsonl"),
            *("--pool", "case", "--measure", "Hit@1,Hit@10,MRR", "--workspace", work),
        )


if __name__ == "__main__":
    main()
