#!/usr/bin/env python3
"""Measures one peer on the workload that bench wrote, and prints one JSON object.

usage: peers.py PEER MODEL_DIR WORK_DIR WORKLOAD.json
       peers.py vectors MODEL_DIR TEXTS.json OUT.f32       the vectors of sentence-transformers in float32

PEER: onnxruntime, onnxruntime-int8, openvino, openvino-bf16, sentence-transformers.
The ONNX forms of the model are exported into WORK_DIR when they are first needed. Batches hold 32 texts of like length,
padded to the longest; each peer uses two threads, or THREADS.
"""
import json
import os
import resource
import statistics
import sys
import time

import numpy as np

os.environ["HF_HUB_OFFLINE"] = "1"
THREADS = int(os.environ.get("THREADS", "2"))
BATCH, LIMIT = 32, 256
NAMES = ["input_ids", "attention_mask", "token_type_ids"]


def export(model, work):
    """Writes model.onnx, fused.onnx (attention, GELU and LayerNorm as single operators) and int8.onnx."""
    if os.path.exists(f"{work}/int8.onnx"):
        return
    import onnx
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.transformers import optimizer
    from onnxruntime.transformers.fusion_options import FusionOptions
    from transformers import AutoModel

    class Sentence(torch.nn.Module):
        def __init__(self, encoder):
            super().__init__()
            self.encoder = encoder

        def forward(self, input_ids, attention_mask, token_type_ids):
            hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids)[0]
            mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
            mean = (hidden * mask).sum(1) / mask.sum(1).clamp(min=1e-9)
            return torch.nn.functional.normalize(mean, dim=1)

    encoder = AutoModel.from_pretrained(model, attn_implementation="eager").eval()
    example = tuple(torch.ones((2, 8), dtype=torch.int64) for _ in NAMES)
    axes = {name: {0: "batch", 1: "tokens"} for name in NAMES}
    torch.onnx.export(Sentence(encoder), example, f"{work}/model.onnx", input_names=NAMES, output_names=["vectors"],
                      dynamic_axes=axes, opset_version=17, dynamo=False)
    c = encoder.config
    fused = optimizer.optimize_model(f"{work}/model.onnx", model_type="bert", num_heads=c.num_attention_heads,
                                     hidden_size=c.hidden_size, optimization_options=FusionOptions("bert"))
    fused.save_model_to_file(f"{work}/fused.onnx")
    quantize_dynamic(f"{work}/fused.onnx", f"{work}/int8.onnx", weight_type=QuantType.QInt8, per_channel=True,
                     extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT})


def onnxruntime_engine(path):
    import onnxruntime as ort
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = THREADS, 1
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda ids, mask: session.run(None, dict(zip(NAMES, (ids, mask, np.zeros_like(ids)))))[0]


def openvino_engine(path, precision):
    import openvino
    compiled = openvino.Core().compile_model(path, "CPU", {
        "INFERENCE_NUM_THREADS": THREADS, "INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"})
    request = compiled.create_infer_request()
    return lambda ids, mask: request.infer(dict(zip(NAMES, (ids, mask, np.zeros_like(ids)))))[compiled.output(0)]


def tokenized(model, run):
    """Puts the reference tokenizer and batches by length before an engine that reads ids."""
    from tokenizers import Tokenizer
    tokenizer = Tokenizer.from_file(f"{model}/tokenizer.json")
    tokenizer.no_padding()
    tokenizer.enable_truncation(LIMIT)

    def embed(texts):
        encoded = tokenizer.encode_batch(texts)
        order = sorted(range(len(texts)), key=lambda i: -len(encoded[i].ids))
        for first in range(0, len(order), BATCH):
            rows = [encoded[i].ids for i in order[first:first + BATCH]]
            ids = np.zeros((len(rows), max(map(len, rows))), np.int64)
            mask = np.zeros_like(ids)
            for i, row in enumerate(rows):
                ids[i, :len(row)], mask[i, :len(row)] = row, 1
            run(ids, mask)
    return embed


def open_peer(peer, model, work):
    if peer == "sentence-transformers":
        import torch
        from sentence_transformers import SentenceTransformer
        torch.set_num_threads(THREADS)
        encoder = SentenceTransformer(model, device="cpu")
        return lambda texts: encoder.encode(texts, batch_size=BATCH, show_progress_bar=False)
    export(model, work)
    if peer.startswith("onnxruntime"):
        return tokenized(model, onnxruntime_engine(f"{work}/{'int8' if peer.endswith('int8') else 'fused'}.onnx"))
    return tokenized(model, openvino_engine(f"{work}/model.onnx", "bf16" if peer.endswith("bf16") else "f32"))


def rate(embed, texts):
    embed(texts[:BATCH])
    best = 0.0
    for _ in range(3):
        start = time.perf_counter()
        embed(texts)
        best = max(best, len(texts) / (time.perf_counter() - start))
    return best


def median_ms(embed, text, n):
    for _ in range(10):
        embed([text])
    times = []
    for _ in range(n):
        start = time.perf_counter()
        embed([text])
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e3


def write_vectors(model, texts, out):
    from sentence_transformers import SentenceTransformer
    with open(texts, encoding="utf-8") as f:
        vectors = SentenceTransformer(model, device="cpu").encode(json.load(f), batch_size=BATCH, show_progress_bar=False)
    vectors.astype("<f4").tofile(out)


def main():
    if sys.argv[1] == "vectors":
        write_vectors(*sys.argv[2:5])
        return
    peer, model, work, workload = sys.argv[1:5]
    with open(workload, encoding="utf-8") as f:
        texts = json.load(f)
    embed = open_peer(peer, model, work)
    print(json.dumps({
        "engine": peer,
        "passages_per_s": rate(embed, texts["passages"]), "queries_per_s": rate(embed, texts["queries"]),
        "mixed_per_s": rate(embed, texts["mixed"]),
        "one_query_ms": median_ms(embed, texts["queries"][0], 200), "one_passage_ms": median_ms(embed, texts["passages"][0], 60),
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }))


main()
