"""hnswlib on the vectors that `cargo bench -p semihv-vectors --bench graph -- ROWS FOLDER` keeps.

    pip install hnswlib numpy
    python3 benches/hnswlib_peer.py FOLDER

Times are those of one thread's processor, in this process; recall is against an exact product.
"""

import sys
import time

import hnswlib
import numpy

DIM = 384
folder = sys.argv[1]
vectors = numpy.fromfile(f"{folder}/vectors.f32", dtype="<f4").reshape(-1, DIM)
queries = numpy.fromfile(f"{folder}/queries.f32", dtype="<f4").reshape(-1, DIM)
truth = []
for query in queries:
    scores = vectors @ query
    truth.append(set(numpy.argpartition(-scores, 10)[:10].tolist()))

index = hnswlib.Index(space="ip", dim=DIM)
index.init_index(max_elements=len(vectors), ef_construction=200, M=16, random_seed=397)
index.set_num_threads(1)
began = time.thread_time()
index.add_items(vectors, num_threads=1)
print(f"hnswlib, {len(vectors)} rows built in {time.thread_time() - began:.1f} s", flush=True)
for ef in [24, 32, 48, 64, 80, 96, 128, 160, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096]:
    index.set_ef(ef)
    times, found = [], 0
    for query, near in zip(queries, truth):
        began = time.thread_time()
        labels, _ = index.knn_query(query, k=10, num_threads=1)
        times.append(time.thread_time() - began)
        found += len(near & set(labels[0].tolist()))
    recall = found / (10 * len(queries))
    times.sort()
    print(
        f"ef {ef}: recall {recall:.4f}, p50 {times[len(times) // 2] * 1e6:.0f} us, "
        f"p99 {times[len(times) * 99 // 100] * 1e6:.0f} us",
        flush=True,
    )
    if recall >= 0.99:
        break
