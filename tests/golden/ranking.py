"""Measures by trec_eval of runs made up here, and resampling of their differences.

    python3 -m venv venv && venv/bin/pip install pytrec_eval-terrier numpy
    venv/bin/python -P tests/golden/ranking.py > tests/golden/ranking.json

(-P: a file beside this one has the name of a package.)

Scores come in few steps, so that ties are frequent; grades go from -1 to 3; some topics of the
run are not judged and one judged topic has nothing relevant. Resampling is written again here
over the same generator (SplitMix64), its quantiles by numpy.
"""

import json

import numpy
import pytrec_eval

TOPICS = 25
DOCUMENTS = 60
SEED = 7
SAMPLES = 10_000
MASK = (1 << 64) - 1
NAMES = {
    "nDCG@5": "ndcg_cut_5",
    "nDCG@10": "ndcg_cut_10",
    "MRR": "recip_rank",
    "Recall@5": "recall_5",
    "Recall@30": "recall_30",
    "Hit@1": "success_1",
    "Hit@5": "success_5",
    "P@5": "P_5",
    "P@10": "P_10",
    "MAP": "map",
}


class SplitMix:
    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        mixed = ((self.state ^ (self.state >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & MASK
        return mixed ^ (mixed >> 31)

    def below(self, count):
        return (self.next() * count) >> 64


def made_up(random):
    judged = {}
    for topic in range(TOPICS):
        grades = {}
        for _ in range(4 + random.below(12)):
            grades[f"d{random.below(DOCUMENTS)}"] = random.below(5) - 1
        judged[f"t{topic}"] = grades
    judged["t3"] = {"d1": 0, "d2": -1}
    return judged


def searched(random, judged, skill):
    run = {}
    for topic in [*judged, "nobody judged this"]:
        if topic == "t5":
            continue
        topic = topic.replace(" ", "-")
        grades = judged.get(topic, {})
        scores = {}
        for _ in range(10 + random.below(30)):
            document = f"d{random.below(DOCUMENTS)}"
            helped = skill * max(grades.get(document, 0), 0)
            scores[document] = (random.below(8) + helped) / 4
        run[topic] = scores
    return run


def rows(run):
    return "".join(
        f"{topic} Q0 {document} 0 {score} made-up\n"
        for topic, scores in run.items()
        for document, score in scores.items()
    )


def measured(judged, run):
    evaluator = pytrec_eval.RelevanceEvaluator(
        judged, {"ndcg_cut", "recip_rank", "recall", "success", "P", "map"}
    )
    # trec_eval counts a judged topic without results as 0 when asked to (-c).
    found = evaluator.evaluate(run)
    return {
        topic: [found.get(topic, {}).get(theirs, 0.0) for theirs in NAMES.values()]
        for topic in sorted(judged)
    }


def resampled(differences):
    random = SplitMix(SEED)
    count = len(differences)
    means = [
        sum(differences[random.below(count)] for _ in range(count)) / count
        for _ in range(SAMPLES)
    ]
    low, high = numpy.quantile(means, [0.025, 0.975])
    random = SplitMix(SEED)
    observed = abs(sum(differences)) - 1e-12
    as_large = 0
    for _ in range(SAMPLES):
        flipped = sum(d if random.next() >> 63 == 0 else -d for d in differences)
        as_large += abs(flipped) >= observed
    return {
        "mean": sum(differences) / count,
        "low": low,
        "high": high,
        "p": (as_large + 1) / (SAMPLES + 1),
    }


def main():
    random = SplitMix(1)
    judged = made_up(random)
    runs = [searched(random, judged, skill) for skill in (0, 1)]
    scores = [measured(judged, run) for run in runs]
    pairs = zip(scores[0].values(), scores[1].values())
    compared = [
        resampled(list(column))
        for column in zip(*([b - a for a, b in zip(first, second)] for first, second in pairs))
    ]
    out = {
        "judgements": "".join(
            f"{topic} 0 {document} {grade}\n"
            for topic, grades in judged.items()
            for document, grade in grades.items()
        ),
        "measures": list(NAMES),
        "seed": SEED,
        "runs": [{"rows": rows(run), "topics": of} for run, of in zip(runs, scores)],
        "compared": compared,
    }
    print(json.dumps(out, indent=1))


main()
