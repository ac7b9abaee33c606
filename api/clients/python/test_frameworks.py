"""LangChain's and LlamaIndex's embeddings against searchd."""

import os
import unittest

from langchain_openai import OpenAIEmbeddings
from llama_index.embeddings.text_embeddings_inference import TextEmbeddingsInference

URL = os.environ["SEARCHD_URL"]
MINILM = "sentence-transformers/all-MiniLM-L6-v2"
TEXTS = ["Yeast lifts the dough.", "Baking bread needs yeast.", "The moon pulls the sea."]


def dot(a, b):
    return sum(x * y for x, y in zip(a, b))


class Frameworks(unittest.TestCase):
    def check_vectors(self, vectors, question):
        self.assertEqual([len(v) for v in vectors], [384] * 3)
        near, far = dot(question, vectors[1]), dot(question, vectors[2])
        self.assertGreater(near, far + 0.2)

    def test_langchain(self):
        model = OpenAIEmbeddings(base_url=URL + "/v1", api_key="none", check_embedding_ctx_length=False)
        self.check_vectors(model.embed_documents(TEXTS), model.embed_query("What lifts a dough?"))
        self.assertEqual(len(model.embed_documents(["a text"] * 1500)), 1500)

    def test_llama_index(self):
        model = TextEmbeddingsInference(model_name=MINILM, base_url=URL)
        self.check_vectors(model.get_text_embedding_batch(TEXTS), model.get_query_embedding("What lifts a dough?"))


if __name__ == "__main__":
    unittest.main()
