"""OpenAI's own client against searchd."""

import os
import struct
import base64
import unittest

import openai

URL, CHAT = os.environ["SEARCHD_URL"], os.environ["CHAT_MODEL"]
MINILM = "sentence-transformers/all-MiniLM-L6-v2"


def dot(a, b):
    return sum(x * y for x, y in zip(a, b))


class OpenAI(unittest.TestCase):
    def setUp(self):
        self.client = openai.OpenAI(base_url=URL + "/v1", api_key="none", max_retries=0)
        self.addCleanup(self.client.close)

    def test_embeddings_are_the_same_in_every_encoding(self):
        texts = ["Yeast lifts the dough.", "Baking bread needs yeast.", "The moon pulls the sea."]
        preset = self.client.embeddings.create(model="text-embedding-ada-002", input=texts)  # asks for base64
        floats = self.client.embeddings.create(model=MINILM, input=texts, encoding_format="float")
        packed = self.client.embeddings.create(model=MINILM, input=texts, encoding_format="base64")
        for i in range(3):
            v = preset.data[i].embedding
            self.assertEqual(len(v), 384)
            self.assertAlmostEqual(dot(v, v), 1, places=5)
            raw = base64.b64decode(packed.data[i].embedding)
            self.assertEqual(list(struct.unpack("<384f", raw)), v)
            for a, b in zip(floats.data[i].embedding, v):
                self.assertAlmostEqual(a, b, places=7)
        near, far = (dot(preset.data[0].embedding, preset.data[i].embedding) for i in (1, 2))
        self.assertGreater(near, far + 0.2)
        self.assertEqual(preset.model, MINILM)
        self.assertGreater(preset.usage.prompt_tokens, 15)
        self.assertEqual(preset.usage.total_tokens, preset.usage.prompt_tokens)

    def test_bad_embeddings_say_what_is_wrong(self):
        for request, kind, says in [
            ({"model": MINILM, "input": [[9906, 1917]]}, openai.BadRequestError, "check_embedding_ctx_length"),
            ({"model": MINILM, "input": ""}, openai.BadRequestError, "cannot be empty"),
            ({"model": MINILM, "input": ["a"] * 10_000}, openai.BadRequestError, "2048"),
            ({"model": MINILM, "input": "a", "dimensions": 64}, openai.BadRequestError, "dimensions"),
            ({"model": "text-embedding-3-large", "input": "a"}, openai.NotFoundError, "text-embedding-3-large"),
        ]:
            with self.assertRaises(kind) as caught:
                self.client.embeddings.create(**request)
            self.assertIn(says, str(caught.exception))
            self.assertIn("param", caught.exception.body)

    def test_chat(self):
        messages = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Hello"}]
        whole = self.client.chat.completions.create(model=CHAT, messages=messages, max_tokens=50)
        self.assertIn("Hello", whole.choices[0].message.content)
        self.assertGreater(whole.usage.total_tokens, 0)
        stream = self.client.chat.completions.create(
            model=CHAT, messages=messages, max_tokens=50, stream=True, stream_options={"include_usage": True}
        )
        text, reasons, usage = "", [], None
        for chunk in stream:
            for choice in chunk.choices:
                text += choice.delta.content or ""
                reasons.append(choice.finish_reason)
            usage = chunk.usage or usage
        self.assertEqual(text, whole.choices[0].message.content)
        self.assertEqual(reasons[-1], whole.choices[0].finish_reason)
        self.assertGreater(usage.completion_tokens, 1)

    def test_completions(self):
        made = self.client.completions.create(model=CHAT, prompt="Hello", max_tokens=50)
        self.assertIn("Hello", made.choices[0].text)
        pieces = list(self.client.completions.create(model=CHAT, prompt="Hello", max_tokens=50, stream=True))
        self.assertGreater(len(pieces), 2)
        self.assertEqual("".join(p.choices[0].text for p in pieces), made.choices[0].text)

    def test_models(self):
        ids = [m.id for m in self.client.models.list()]
        self.assertEqual(ids[0], MINILM)
        self.assertIn(CHAT, ids)
        self.assertEqual(self.client.models.retrieve(MINILM).owned_by, "local")
        with self.assertRaises(openai.NotFoundError):
            self.client.models.retrieve("no/model")


if __name__ == "__main__":
    unittest.main()
