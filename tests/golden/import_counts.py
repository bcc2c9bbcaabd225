#!/usr/bin/env python3
"""Counts what each importer must find in the real data, without any code of the importers.

Usage: import_counts.py DATA_FOLDER > import_counts.json
Standard library only. The rules of reading (what is a filler, what is a missing image) are written
down here a second time on purpose.
"""

import collections
import csv
import html.parser
import io
import json
import pathlib
import re
import sys
import xml.etree.ElementTree
import zipfile

FILLERS = {"", "n/a", "na", "nan", "null", "-", "--"}
UNSTATED = {"not stated", "not applicable", "none provided", "none available", "none stated",
            "none", "n/a"}


def is_filler(text):
    return text is None or text.strip().rstrip(".").lower() in FILLERS


def tally(values):
    return dict(sorted(collections.Counter(values).items()))


def load(path):
    return json.loads(path.read_text(encoding="utf-8"))


def medpix2(data):
    root = data / "medpix2/MedPix-2-0"
    cases, images = load(root / "Case_topic.json"), load(root / "Descriptions.json")
    there = {path.stem for path in (root / "images").iterdir()}
    headings = {
        "Case": ["History", "Exam", "Findings", "Differential Diagnosis", "Case Diagnosis",
                 "Diagnosis By", "Discussion", "Treatment & Follow Up"],
        "Topic": ["Disease Discussion"],
    }
    sections = [
        heading
        for case in cases
        for part, names in headings.items()
        for heading in names
        if not is_filler(case[part].get(heading))
    ]
    captions = [
        image["Description"]["Caption"]
        for image in images
        if not is_filler(image["Description"]["Caption"])
        and not image["Description"]["Caption"].startswith("Replace this - ")
    ]
    return {
        "cases": len(cases),
        "images": len(images),
        "missing_images": sum(image["image"] not in there for image in images),
        "image_modalities": tally(
            "Other" if image["Description"]["Modality"] == "Drawing" else image["Type"]
            for image in images
        ),
        "captions": len(captions),
        "caption_characters": sum(len(caption.strip()) for caption in captions),
        "sections": tally(sections),
        "questions": 0,
        "skipped": 0,
    }


def vqa_rad(data):
    root = data / "vqa-rad/data_RAD"
    rows = load(root / "trainset.json")
    images = {row["image_name"] for row in rows}
    return {
        "cases": len(images),
        "images": len(images),
        "missing_images": sum(not (root / "images" / image).exists() for image in images),
        "body_parts": tally(
            {"ABD": "abdomen", "HEAD": "head", "CHEST": "chest"}[organ]
            for organ in {row["image_name"]: row["image_organ"] for row in rows}.values()
        ),
        "questions": len(rows),
        "kinds": tally(row["answer_type"].strip().lower() for row in rows),
        "languages": {"en": len(rows)},
        "splits": {"train": len(rows)},
        "classes": tally(row["question_type"].strip() for row in rows),
        "gold_characters": sum(len(str(row["answer"]).strip()) for row in rows),
        "skipped": 0,
    }


def slake(data):
    root = data / "slake/Slake1.0"
    tables = {name: load(root / f"{name}.json") for name in ("train", "validate")}
    rows = [row for table in tables.values() for row in table]
    images = {row["img_name"]: row for row in rows}
    modality = {"CT": "CT", "MRI": "MR", "X-Ray": "X-ray"}
    return {
        "cases": len(images),
        "images": len(images),
        "missing_images": len(images),
        "case_modalities": tally(modality[row["modality"]] for row in images.values()),
        "body_parts": tally(row["location"].replace("_", " ") for row in images.values()),
        "questions": len(rows),
        "kinds": tally(row["answer_type"].strip().lower() for row in rows),
        "languages": tally(row["q_lang"] for row in rows),
        "splits": {name: len(table) for name, table in tables.items()},
        "classes": tally(row["content_type"] for row in rows),
        "gold_characters": sum(len(row["answer"].strip()) for row in rows),
        "skipped": 0,
    }


def covid_chestxray(data):
    root = data / "covid-chestxray"
    with open(root / "metadata.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    there = {path.name for path in (root / "images").rglob("*") if path.is_file()}

    def year(date):
        found = re.findall(r"(?<!\d)\d{4}(?!\d)", date)
        short = re.fullmatch(r"\d+/\d+/(\d\d)", date.strip())
        return found[-1] if found else "20" + short[1] if short else "none"

    return {
        "cases": len(rows),
        "images": len(rows),
        "missing_images": sum(row["filename"] not in there for row in rows),
        "case_modalities": tally(row["modality"] for row in rows),
        "licences": tally(row["license"].strip() or "none" for row in rows),
        "years": tally(year(row["date"]) for row in rows),
        "patients": len({row["Patientid"] for row in rows}),
        "clinical_notes": sum(not is_filler(row["clinical notes"]) for row in rows),
        "questions": 0,
        "skipped": 0,
    }


class Words(html.parser.HTMLParser):
    """The words of a fragment; inline tags do not part them."""

    INLINE = {"strong", "em", "span", "a", "sup", "sub", "b", "i", "u"}

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.parts = []
        self.lists = []

    def handle_data(self, data):
        self.parts.append(data)

    def handle_starttag(self, tag, attributes):
        if tag not in self.INLINE:
            self.parts.append(" ")
        if tag in ("ol", "ul"):
            start = dict(attributes).get("start", "1")
            start = int(start) if start.isdigit() else 1
            self.lists.append(start if tag == "ol" else None)
        if tag == "li" and self.lists and self.lists[-1] is not None:
            # What a reader sees: the number before the item.
            self.parts.append(f"{self.lists[-1]} ")
            self.lists[-1] += 1

    def handle_endtag(self, tag):
        if tag not in self.INLINE:
            self.parts.append(" ")
        if tag in ("ol", "ul") and self.lists:
            self.lists.pop()


def plain(fragment):
    parser = Words()
    parser.feed(fragment)
    parser.close()
    return " ".join("".join(parser.parts).split())


def ngc(data):
    attributes = {"Guideline Title", "Guideline Developer(s)", "Date Released",
                  "Copyright Statement"}
    guidelines, empty = {}, []
    for path in sorted((data / "guidelines-ngc/summaries").glob("*.xml")):
        root = xml.etree.ElementTree.parse(path).getroot()
        fields = [
            (section.get("Name"), field.get("Name"),
             [plain(value.get("Value") or "") for value in field.iter("FieldValue")])
            for section in root.iter("Section")
            for field in section.iter("Field")
        ]
        values = {}
        for _, name, texts in fields:
            values.setdefault(name, " ".join(texts))
        if not values.get("Guideline Title"):
            empty.append(path.stem)
            continue
        words = set()
        for section, name, texts in fields:
            text = " ".join(texts)
            if section == "Disclaimer" or name in attributes:
                continue
            if text.rstrip(".").lower() in UNSTATED:
                continue
            words.update(re.findall(r"[a-z0-9]+", text.lower()))
        guidelines[path.stem] = {
            "title_characters": len(values["Guideline Title"]),
            "year": int(re.findall(r"\d{4}", values["Date Released"])[-1]),
            "distinct_words": len(words),
        }
    return {"guidelines": guidelines, "skipped": len(empty)}


def predictions(data):
    def lines(path):
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

    reports = data / "model-outputs/ct-spatialvqa/benchmarking/reports"
    files = sorted((reports / "predictions").glob("*.jsonl"))
    files += sorted((reports / "llm_eval").glob("*.json"))
    files.append(data / "model-outputs/smolvlm-endoscopy/eval_results.json")
    files.append(data / "model-outputs/lld-mmri/LLDBaseline.json")
    counts = {}
    for path in files:
        rows = lines(path) if path.suffix == ".jsonl" else load(path)
        rows = rows["per_sample_results"] if isinstance(rows, dict) else rows
        seen, answers, unnamed, repeated = set(), [], 0, 0
        for row in rows:
            case = row.get("case_id") or row.get("img_id")
            if not case or "question" not in row:
                unnamed += 1
            elif (case, row["question"].strip()) in seen:
                repeated += 1
            else:
                seen.add((case, row["question"].strip()))
                answers.append(row.get("is_correct", row.get("correct")))
        verdicts = {True: "right", False: "wrong", None: "none"}
        counts[path.relative_to(data / "model-outputs").as_posix()] = {
            "answers": len(answers),
            "verdicts": tally(verdicts[verdict] for verdict in answers),
            "without_id": unnamed,
            "repeated": repeated,
        }
    return counts


def vqa_med(data):
    path = data / "vqa-med-2021/Task2-VQG-2021-TestSet-w-GroundTruth.zip"
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if "__MACOSX" not in name]
        images = {pathlib.PurePosixPath(name).stem for name in names if name.endswith(".jpg")}
        text = next(name for name in names if name.endswith("ReferenceQuestions.txt"))
        reference = io.StringIO(archive.read(text).decode("utf-8"))
        rows = [line.strip().split("|") for line in reference if line.strip()]
        list_name = text.replace("-ReferenceQuestions", "")
        listed = set(archive.read(list_name).decode("utf-8").split())
    cases = {row[0].strip() for row in rows} | listed | images
    questions = [part.strip() for row in rows for part in row[1:] if part.strip()]
    return {
        "cases": len(cases),
        "images": len(cases),
        "missing_images": len(cases - images),
        "questions": len(questions),
        "question_characters": sum(map(len, questions)),
        "skipped": 0,
    }


def main():
    data = pathlib.Path(sys.argv[1])
    importers = [medpix2, vqa_rad, slake, covid_chestxray, ngc, predictions, vqa_med]
    counts = {importer.__name__: importer(data) for importer in importers}
    json.dump(counts, sys.stdout, indent=1, ensure_ascii=False)
    print()


if __name__ == "__main__":
    main()
