"""Measures one vector index on given vectors, one query thread: prints a line of JSON.

index_peers.py PEER VECTORS DIMENSIONS QUERIES RECALL THREADS
"""
import json, sys, time
import numpy as np

peer, path, dim, count, wanted, threads = sys.argv[1], sys.argv[2], *map(float, sys.argv[3:7])
dim, count, threads = int(dim), int(count), int(threads)
e = np.fromfile(path, "<f4").reshape(-1, dim)
x, q = e[:-count].copy(), e[-count:].copy()
del e
K = 10
M, EFC = 16, 200


def memory():
    """Bytes of this process that no file backs."""
    return next(int(l.split()[1]) * 1024 for l in open("/proc/self/status") if l.startswith("RssAnon"))


def exact(keep=None):
    s = q @ (x if keep is None else x[keep]).T
    top = np.argpartition(-s, K, axis=1)[:, :K]
    return top if keep is None else keep[top]


def recall(found, truth):
    return float(np.mean([len(set(map(int, f[:K])) & set(map(int, t))) / K for f, t in zip(found, truth)]))


def rate(search, times):
    """Queries a second, the best of some times, and what was found."""
    best = 0
    for _ in range(times):
        s = time.perf_counter()
        found = search()
        best = max(best, len(found) / (time.perf_counter() - s))
    return best, found


def first(settings, search, truth, times=3):
    """The fastest setting that finds enough, or the last."""
    for v in settings:
        qps, found = rate(lambda: search(v), times)
        r = recall(found, truth)
        if r >= wanted:
            break
    return {"setting": str(v), "queries_per_s": qps, "recall": r}


# Filtered searches of the peers take up to a hundred times as long: fewer settings and queries, once.
FILTERED, FEW = [32, 96, 256], 50
SWEEP = [16, 24, 32, 40, 48, 64, 80, 96, 112, 128, 160, 192, 256, 384, 512, 768]


def subsets():
    """Ids of 1, 10 and 50 % of the vectors."""
    ids = np.arange(len(x))
    return {"1": ids[ids % 100 == 7], "10": ids[ids % 10 == 7], "50": ids[ids % 2 == 1]}


def measure():
    truth, before, started = exact(), memory(), time.time()
    out = {"engine": peer}
    if peer == "hnswlib":
        import hnswlib
        g = hnswlib.Index("ip", dim)
        g.init_index(len(x), M=M, ef_construction=EFC)
        g.set_num_threads(threads)
        g.add_items(x)
        out["build_s"], out["bytes"] = time.time() - started, (memory() - before) / len(x)
        g.set_num_threads(1)

        def search(ef, admit=None):
            g.set_ef(ef)
            return g.knn_query(q if admit is None else q[:FEW], K, filter=admit)[0]
        out |= first(SWEEP, search, truth)
        out["filtered"] = {}
        for share, keep in subsets().items():
            allowed = np.zeros(len(x), bool)
            allowed[keep] = True
            admit = allowed.tolist().__getitem__
            out["filtered"][share] = first(FILTERED, lambda ef: search(ef, admit), exact(keep)[:FEW], 1)
    elif peer == "faiss":
        import faiss
        faiss.omp_set_num_threads(threads)
        g = faiss.IndexHNSWFlat(dim, M, faiss.METRIC_INNER_PRODUCT)
        g.hnsw.efConstruction = EFC
        g.add(x)
        out["build_s"], out["bytes"] = time.time() - started, (memory() - before) / len(x)
        faiss.omp_set_num_threads(1)

        def search(ef, selector=None):
            return g.search(q if selector is None else q[:FEW], K, params=faiss.SearchParametersHNSW(efSearch=ef, sel=selector))[1]
        out |= first(SWEEP, search, truth)
        out["filtered"] = {}
        for share, keep in subsets().items():
            bits = np.zeros(len(x), bool)
            bits[keep] = True
            selector = faiss.IDSelectorBitmap(np.packbits(bits, bitorder="little"))
            out["filtered"][share] = first(FILTERED, lambda ef: search(ef, selector), exact(keep)[:FEW], 1)
    elif peer == "faiss-flat":
        import faiss
        faiss.omp_set_num_threads(1)
        g = faiss.IndexFlatIP(dim)
        g.add(x)
        out["build_s"], out["bytes"] = time.time() - started, (memory() - before) / len(x)
        times = []
        for i in range(min(200, len(q))):
            s = time.perf_counter()
            g.search(q[i:i + 1], K)
            times.append(time.perf_counter() - s)
        out["exact_ms"] = sorted(times)[len(times) // 2] * 1e3
    elif peer.startswith("usearch"):
        from usearch.index import Index
        g = Index(ndim=dim, metric="ip", dtype={"usearch-int8": "i8", "usearch-bf16": "bf16"}[peer], connectivity=M, expansion_add=EFC)
        g.add(np.arange(len(x)), x, threads=threads)
        out["build_s"], out["bytes"] = time.time() - started, (memory() - before) / len(x)

        def search(ef):
            g.expansion_search = ef
            return g.search(q, K, threads=1).keys
        out |= first(SWEEP, search, truth)
    elif peer.startswith("svs"):
        import svs
        data = x
        if peer == "svs-lvq8":
            data = svs.LVQLoader.from_numpy(x, primary=8) if hasattr(svs.LVQLoader, "from_numpy") else x
        g = svs.Vamana.build(svs.VamanaBuildParameters(graph_max_degree=2 * M, window_size=64, alpha=0.95), data, svs.DistanceType.MIP, num_threads=threads)
        out["build_s"], out["bytes"] = time.time() - started, (memory() - before) / len(x)
        g.num_threads = 1

        def search(window):
            g.search_window_size = window
            return g.search(q, K)[0]
        out |= first(SWEEP, search, truth)
    return out


print(json.dumps(measure()))
