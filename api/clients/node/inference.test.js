// Hugging Face's own client against searchd. It repeats a 503 at once and for ever, so each test has a limit of time.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InferenceClient } from '@huggingface/inference';

const { SEARCHD_URL, CHAT_MODEL, SUMMARY_MODEL, TRANSLATION_MODEL, CLASSIFIER_MODEL } = process.env;
const ROUTER = `${SEARCHD_URL}/hf-inference/models/`;
const MINILM = 'sentence-transformers/all-MiniLM-L6-v2';
const at = (url) => new InferenceClient().endpoint(url);
const limit = { timeout: 20_000 };

test('feature extraction', limit, async () => {
  const inputs = ['Yeast lifts the dough.', 'The moon pulls the sea.'];
  const want = await at(SEARCHD_URL).featureExtraction({ inputs });
  assert.deepEqual(want.map((v) => v.length), [384, 384]);
  for (const url of [`${SEARCHD_URL}/embed`, ROUTER + MINILM, `${ROUTER + MINILM}/pipeline/feature-extraction`]) {
    assert.deepEqual(await at(url).featureExtraction({ inputs }), want);
  }
  const one = await at(ROUTER + MINILM).featureExtraction({ inputs: inputs[0] });
  assert.equal(one.length, 384);
});

test('sentence similarity', limit, async () => {
  const inputs = { source_sentence: 'Yeast lifts the dough.', sentences: ['Baking bread needs yeast.', 'The moon pulls the sea.'] };
  for (const url of [SEARCHD_URL, `${ROUTER + MINILM}/pipeline/sentence-similarity`]) {
    const [near, far] = await at(url).sentenceSimilarity({ inputs });
    assert.ok(near > far + 0.2);
  }
});

test('text classification', limit, async () => {
  const here = await at(SEARCHD_URL).textClassification({ inputs: 'I love this wonderful bread', parameters: { top_k: 2 } });
  assert.equal(here.length, 2);
  assert.equal(here[0].label, 'positive');
  const far = await at(`${ROUTER + CLASSIFIER_MODEL}/pipeline/text-classification`).textClassification({ inputs: 'a good loaf' });
  assert.ok(far[0].score >= far.at(-1).score);
});

test('summarization and translation', limit, async () => {
  const inputs = 'Bread is made of flour and water. '.repeat(8) + 'The moon pulls the sea.';
  const here = await at(`${ROUTER + MINILM}/pipeline/summarization`).summarization({ inputs, parameters: { max_length: 20 } });
  assert.ok(here.summary_text.split(' ').length <= 20);
  assert.ok((await at(ROUTER + SUMMARY_MODEL).summarization({ inputs })).summary_text);
  assert.ok((await at(ROUTER + TRANSLATION_MODEL).translation({ inputs: 'My name is Ada' })).translation_text);
});

test('chat, whole and streamed', limit, async () => {
  const request = { messages: [{ role: 'user', content: 'Hello' }], max_tokens: 50 };
  for (const url of [SEARCHD_URL, `${SEARCHD_URL}/v1`, ROUTER + CHAT_MODEL]) {
    const whole = await at(url).chatCompletion(request);
    assert.match(whole.choices[0].message.content, /Hello/);
    let text = '';
    for await (const chunk of at(url).chatCompletionStream(request)) text += chunk.choices[0]?.delta?.content ?? '';
    assert.equal(text, whole.choices[0].message.content);
  }
});

test('text generation', limit, async () => {
  const made = await at(ROUTER + CHAT_MODEL).textGeneration({ inputs: 'Hello', parameters: { max_new_tokens: 50 } });
  assert.match(made.generated_text, /Hello/);
});

test('errors come through, and at once', limit, async () => {
  await assert.rejects(at(ROUTER + MINILM).featureExtraction({ inputs: [] }), /cannot be empty/);
  await assert.rejects(at(`${ROUTER}no/model/pipeline/feature-extraction`).featureExtraction({ inputs: 'a' }), /no\/model/);
  await assert.rejects(at(ROUTER + CHAT_MODEL).chatCompletion({ messages: [], max_tokens: 5 }), /messages/);
});
