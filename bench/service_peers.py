"""Measures one service in process, with one caller and with eight: prints a line of JSON.

service_peers.py chroma-vectors VECTORS DIMENSIONS QUERIES
service_peers.py txtai|txtai-hybrid|chroma WORKLOAD MODEL 0
"""
import json, os, shutil, sys, tempfile, time
from concurrent.futures import ThreadPoolExecutor

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["ANONYMIZED_TELEMETRY"] = "False"
peer, path, extra, count = sys.argv[1:5]
K, SEARCHES, TOGETHER = 10, 1000, 500


def latencies(search, queries, callers):
    """p50 and p99 in ms, and searches a second, of callers at the same time."""
    def one(i):
        started = time.perf_counter()
        search(queries[i % len(queries)])
        return (time.perf_counter() - started) * 1e3
    for i in range(20):
        one(i)
    n = SEARCHES * min(callers, 3) if peer == "chroma-vectors" else 400
    started = time.perf_counter()
    with ThreadPoolExecutor(callers) as pool:
        times = sorted(pool.map(one, range(n)))
    took = time.perf_counter() - started
    return {"p50_ms": times[n // 2], "p99_ms": times[n * 99 // 100], "per_s": n / took}


def memory():
    """Bytes of this process that are in memory."""
    return next(int(l.split()[1]) * 1024 for l in open("/proc/self/status") if l.startswith("VmRSS"))


def report(n, load, search, queries):
    started = time.time()
    load()
    took = time.time() - started
    print(json.dumps({"engine": peer, "load_s": took, "documents_per_s": n / took,
                      "search": {str(c): latencies(search, queries, c) for c in (1, 8)}, "memory_mb": memory() / 2**20}))


def chroma_vectors():
    import chromadb
    import numpy as np
    e = np.fromfile(path, "<f4").reshape(-1, int(extra))
    x, q = e[:-int(count)], e[-int(count):]
    c = chromadb.PersistentClient(folder).create_collection(
        "bench", configuration={"hnsw": {"space": "ip", "ef_construction": 200, "ef_search": 128, "max_neighbors": 16}})

    def load():
        for i in range(0, len(x), TOGETHER * 10):
            part = x[i:i + TOGETHER * 10]
            c.add(ids=[str(j) for j in range(i, i + len(part))], embeddings=part)
    report(len(x), load, lambda v: c.query(query_embeddings=[v], n_results=K), q)


def texts():
    with open(path, encoding="utf-8") as f:
        workload = json.load(f)
    docs, queries = workload["texts"], workload["queries"]
    import torch
    torch.set_num_threads(2)
    if peer.startswith("txtai"):
        from txtai import Embeddings
        e = Embeddings(path=extra, content=True, hybrid=peer == "txtai-hybrid")
        report(len(docs), lambda: e.index(docs), lambda t: e.search(t, K), queries)
        return
    import chromadb
    from sentence_transformers import SentenceTransformer
    m = SentenceTransformer(extra, device="cpu")
    c = chromadb.PersistentClient(folder).create_collection("bench")

    def embed(some):
        return m.encode(some, normalize_embeddings=True, show_progress_bar=False)

    def load():
        for i in range(0, len(docs), TOGETHER):
            part = docs[i:i + TOGETHER]
            c.add(ids=[str(j) for j in range(i, i + len(part))], documents=part, embeddings=embed(part))
    report(len(docs), load, lambda t: c.query(query_embeddings=embed([t]), n_results=K), queries)


folder = tempfile.mkdtemp()
try:
    (chroma_vectors if peer == "chroma-vectors" else texts)()
finally:
    shutil.rmtree(folder, ignore_errors=True)
