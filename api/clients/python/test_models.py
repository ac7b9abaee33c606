"""Clients of rerankers and classifiers against searchd with small models of both kinds."""

import json
import math
import os
import pathlib
import unittest

import numpy
from huggingface_hub import InferenceClient
from llama_index.core.schema import NodeWithScore, TextNode
from llama_index.postprocessor.tei_rerank import TextEmbeddingInference

URL = os.environ["SEARCHD_MODELS_URL"]


def goldens(model):
    """The inputs of a model and what the reference makes of each, without the empty ones."""
    folder = pathlib.Path(os.environ["TINY_MODELS"], model)
    raw = (folder / "golden.safetensors").read_bytes()
    size = int.from_bytes(raw[:8], "little")
    header, data = json.loads(raw[8 : 8 + size]), raw[8 + size :]
    for i, given in enumerate(json.loads((folder / "golden.json").read_text())):
        begin, end = header[f"out.{i}"]["data_offsets"]
        if all(given.values()):
            yield given, numpy.frombuffer(data[begin:end], "<f4")


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


class Models(unittest.TestCase):
    def test_llama_index_reranks(self):
        for given, want in goldens("bert-reranker"):
            texts = ["bread", given["text"], "the ferry to the island"]
            nodes = [NodeWithScore(node=TextNode(text=text)) for text in texts]
            ranked = TextEmbeddingInference(base_url=URL, top_n=3).postprocess_nodes(nodes, query_str=given["query"])
            scores = [node.score for node in ranked]
            self.assertEqual(scores, sorted(scores, reverse=True))
            self.assertEqual(sorted(node.text for node in ranked), sorted(texts))
            score = next(node.score for node in ranked if node.text == given["text"])
            self.assertAlmostEqual(score, sigmoid(want[0]), places=4)
            best = TextEmbeddingInference(base_url=URL, top_n=1).postprocess_nodes(nodes, query_str=given["query"])
            self.assertEqual([node.text for node in best], [ranked[0].text])

    def test_huggingface_hub_classifies(self):
        model = URL + "/models/tiny/bert-classifier"
        for given, want in goldens("bert-classifier"):
            expected = dict(zip(["calm", "neutral", "rough"], want))
            for address in [URL, model, model + "/pipeline/text-classification"]:
                client = InferenceClient(model=address)
                labels = client.text_classification(given["text"], top_k=3)
                self.assertEqual([x.label for x in labels], sorted(expected, key=expected.get, reverse=True))
                for x in labels:
                    self.assertAlmostEqual(x.score, expected[x.label], places=4)
                raw = {x.label: x.score for x in client.text_classification(given["text"], function_to_apply="none")}
                for x in client.text_classification(given["text"], function_to_apply="sigmoid"):
                    self.assertAlmostEqual(x.score, sigmoid(raw[x.label]), places=6)
                total = sum(math.exp(x) for x in raw.values())
                for label, probability in expected.items():
                    self.assertAlmostEqual(math.exp(raw[label]) / total, probability, places=4)


if __name__ == "__main__":
    unittest.main()
