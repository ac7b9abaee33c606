"""Hugging Face's own client against searchd, given its address in each of the ways that it can be."""

import os
import unittest

import numpy
from huggingface_hub import InferenceClient
from huggingface_hub.errors import BadRequestError, HfHubHTTPError

URL, CHAT = os.environ["SEARCHD_URL"], os.environ["CHAT_MODEL"]
MINILM = "sentence-transformers/all-MiniLM-L6-v2"
ROUTER = URL + "/hf-inference/models/"
TEXTS = ["Yeast lifts the dough.", "Baking bread needs yeast.", "The moon pulls the sea."]


class Hub(unittest.TestCase):
    def test_feature_extraction(self):
        want = InferenceClient(model=URL).feature_extraction(TEXTS)
        self.assertEqual(want.shape, (3, 384))
        for address in [URL + "/embed", URL + "/models/" + MINILM, ROUTER + MINILM, ROUTER + MINILM + "/pipeline/feature-extraction",
                        URL + "/pipeline/feature-extraction/" + MINILM]:
            for client in (InferenceClient(model=address), InferenceClient(base_url=address)):
                got = client.feature_extraction(TEXTS, normalize=True, truncate=True, truncation_direction="right")
                numpy.testing.assert_array_equal(got, want)
        one = InferenceClient(model=ROUTER + MINILM).feature_extraction(TEXTS[0], prompt_name="query")
        numpy.testing.assert_allclose(one, want[0], atol=1e-6)

    def test_sentence_similarity(self):
        for address in [URL, ROUTER + MINILM, ROUTER + MINILM + "/pipeline/sentence-similarity"]:
            near, far = InferenceClient(model=address).sentence_similarity(TEXTS[0], other_sentences=TEXTS[1:])
            self.assertGreater(near, far + 0.2)

    def test_text_classification(self):
        labels = InferenceClient(model=URL).text_classification("I love this wonderful bread", top_k=2)
        self.assertEqual([len(labels), labels[0].label], [2, "positive"])
        far = ROUTER + os.environ["CLASSIFIER_MODEL"]
        for labels in [InferenceClient(model=far).text_classification("a good loaf", top_k=2),
                       InferenceClient(model=far + "/pipeline/text-classification").text_classification("a good loaf")]:
            self.assertGreaterEqual(labels[0].score, labels[-1].score)
        with self.assertRaises(HfHubHTTPError) as caught:
            InferenceClient(model=far).text_classification("a good loaf")  # which is all that tells the task of this model
        self.assertIn("/pipeline/TASK", str(caught.exception))

    def test_summarization(self):
        text = " ".join(["Bread is made of flour, water, salt and yeast."] + TEXTS * 5 + ["It should cool on a rack."])
        summary = InferenceClient(model=ROUTER + MINILM + "/pipeline/summarization").summarization(text, generate_parameters={"max_length": 20})
        self.assertTrue(0 < len(summary.summary_text.split()) <= 20, summary)
        far = InferenceClient(model=ROUTER + os.environ["SUMMARY_MODEL"]).summarization(text)
        self.assertTrue(far.summary_text)

    def test_translation(self):
        made = InferenceClient(model=ROUTER + os.environ["TRANSLATION_MODEL"]).translation("My name is Ada")
        self.assertTrue(made.translation_text)
        with self.assertRaises(HfHubHTTPError) as caught:
            InferenceClient(model=ROUTER + "no/translator/pipeline/translation").translation("My name is Ada")
        self.assertNotEqual(caught.exception.response.status_code, 503)
        self.assertIn("error", caught.exception.response.json())

    def test_chat_completion(self):
        messages = [{"role": "user", "content": "Hello"}]
        for client in [InferenceClient(model=URL), InferenceClient(base_url=URL + "/v1"), InferenceClient(model=ROUTER + CHAT)]:
            whole = client.chat_completion(messages, max_tokens=50).choices[0].message.content
            self.assertIn("Hello", whole)
            pieces = list(client.chat_completion(messages, max_tokens=50, stream=True))
            self.assertEqual("".join(p.choices[0].delta.content or "" for p in pieces if p.choices), whole)
            with self.assertRaises(BadRequestError) as caught:
                client.chat_completion(messages, max_tokens=50, temperature=9)
            self.assertIn("temperature", caught.exception.response.text)

    def test_text_generation(self):
        client = InferenceClient(model=ROUTER + CHAT)
        whole = client.text_generation("Hello", max_new_tokens=50)
        self.assertIn("Hello", whole)
        self.assertEqual("".join(client.text_generation("Hello", max_new_tokens=50, stream=True)), whole)
        detailed = client.text_generation("Hello", max_new_tokens=50, details=True)
        self.assertEqual(detailed.details.finish_reason, "eos_token")
        self.assertEqual(detailed.generated_text, whole)
        last = list(client.text_generation("Hello", max_new_tokens=50, stream=True, details=True))[-1]
        self.assertEqual(last.generated_text, whole)
        self.assertEqual(InferenceClient(model=URL).text_generation("Hello", max_new_tokens=50), whole)

    def test_errors_reach_the_caller(self):
        for call in [lambda c: c.feature_extraction([]), lambda c: c.feature_extraction(5), lambda c: c.feature_extraction("a", dimensions=3),
                     lambda c: c.sentence_similarity("a", other_sentences=[])]:
            with self.assertRaises(BadRequestError) as caught:
                call(InferenceClient(model=ROUTER + MINILM))
            self.assertIn(caught.exception.response.json()["error"][:40], str(caught.exception))


if __name__ == "__main__":
    unittest.main()
