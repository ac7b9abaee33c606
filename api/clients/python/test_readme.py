"""The lines of the README's "Clients that exist already", as they stand there."""

import os
import pathlib
import re
import unittest

import huggingface_hub
import langchain_openai
import llama_index.embeddings.text_embeddings_inference
import openai

README = pathlib.Path(__file__).parents[3] / "README.md"


def lines():
    section = README.read_text(encoding="utf-8").split("## Clients that exist already")[1]
    block = re.search(r"```python\n(.*?)```", section, re.S)[1]
    return block.replace("http://localhost:8080", os.environ["SEARCHD_URL"]).replace("…", "sentence-transformers/all-MiniLM-L6-v2").splitlines()


class Readme(unittest.TestCase):
    def test_lines(self):
        self.assertGreater(len(lines()), 3)
        modules = {m.__name__.split(".")[0]: m for m in (huggingface_hub, langchain_openai, openai)} | {"llama_index": llama_index}
        for line in lines():
            with self.subTest(line):
                made = eval(line, dict(modules))
                if hasattr(made, "embed_query"):
                    made = made.embed_query("A text.")
                elif hasattr(made, "get_query_embedding"):
                    made = made.get_query_embedding("A text.")
                vector = made.data[0].embedding if hasattr(made, "data") and hasattr(made, "usage") else made
                self.assertEqual(len(vector[0] if len(vector) == 1 else vector), 384)


if __name__ == "__main__":
    unittest.main()
