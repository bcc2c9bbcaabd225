#!/usr/bin/env python3
"""Whether images that are found for an image show the same: modality, body part and plane.

Usage: benches/alike.py WORKSPACE [SEMIHV]
The workspace holds cases with images whose modality, body part or plane is known, and vectors
(`semihv vectors`). Every readable image asks for its three nearest cases by the image alone; its
own case is never among them. Chance is three images of other cases, drawn with a fixed seed.
"""
import json
import random
import sqlite3
import subprocess
import sys
import tempfile

WHAT = {"modality": 3, "body part": 5, "plane": 4}
NEAREST = 3

workspace = sys.argv[1]
semihv = sys.argv[2] if len(sys.argv) > 2 else "semihv"
store = sqlite3.connect(f"file:{workspace}/.semihv/store.db?mode=ro", uri=True)
images = store.execute(
    """SELECT images.id, images.key, cases.key, images.modality, images.plane, cases.body_part
    FROM images JOIN cases ON cases.id = case_id
    WHERE state NOT IN ('missing', 'unreadable')"""
).fetchall()
known = {image[0]: image for image in images}

with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as queries:
    for image in images:
        line = {"id": str(image[0]), "image": f"{image[2]}/{image[1]}"}
        queries.write(json.dumps(line) + "\n")
    queries.flush()
    asked = [semihv, "retrieve", "--batch", queries.name, "--pool", "case", "-k", str(NEAREST)]
    answers = subprocess.run(
        [*asked, "-w", workspace, "--json"], capture_output=True, text=True, check=True
    ).stdout

random.seed(1)
found, chance = [], []
for line in answers.splitlines():
    answer = json.loads(line)
    asked = known[int(answer["id"])]
    for hit in answer["retrieved"]["hits"]:
        if hit["image"] is not None:
            found.append((asked, known[hit["image"]]))
    others = [image for image in images if image[2] != asked[2]]
    chance += [(asked, other) for other in random.choices(others, k=NEAREST)]

print(f"{len(images)} images, {len(found)} hits")
for name, column in WHAT.items():
    parts = []
    for pairs in (found, chance):
        same = sum(a[column] is not None and a[column] == b[column] for a, b in pairs)
        parts.append(same / max(len(pairs), 1))
    print(f"{name:<10} {parts[0]:.3f}   by chance {parts[1]:.3f}")
