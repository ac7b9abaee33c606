// OpenAI's own client against searchd.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';

const { SEARCHD_URL, CHAT_MODEL } = process.env;
const MINILM = 'sentence-transformers/all-MiniLM-L6-v2';
const client = new OpenAI({ baseURL: `${SEARCHD_URL}/v1`, apiKey: 'none', maxRetries: 0 });
const dot = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);

test('embeddings are the same in every encoding', async () => {
  const input = ['Yeast lifts the dough.', 'Baking bread needs yeast.', 'The moon pulls the sea.'];
  const preset = await client.embeddings.create({ model: 'text-embedding-ada-002', input }); // asks for base64, always decodes
  const floats = await client.embeddings.create({ model: MINILM, input, encoding_format: 'float' });
  const packed = await client.embeddings.create({ model: MINILM, input, encoding_format: 'base64' });
  const [first, near, far] = preset.data.map((d) => d.embedding);
  assert.equal(first.length, 384);
  assert.ok(dot(first, near) > dot(first, far) + 0.2);
  assert.equal(preset.model, MINILM);
  preset.data.forEach(({ embedding }, i) => {
    const bytes = Buffer.from(packed.data[i].embedding, 'base64');
    embedding.forEach((x, j) => {
      assert.equal(bytes.readFloatLE(4 * j), x);
      assert.ok(Math.abs(floats.data[i].embedding[j] - x) < 1e-6);
    });
  });
});

test('errors have a message', async () => {
  await assert.rejects(client.embeddings.create({ model: MINILM, input: [[9906, 1917]] }), (e) => {
    assert.ok(e instanceof OpenAI.BadRequestError);
    assert.match(e.message, /check_embedding_ctx_length/);
    return true;
  });
  await assert.rejects(client.embeddings.create({ model: 'no/model', input: 'a' }), (e) => {
    assert.equal(e.code, 'model_not_found');
    return e instanceof OpenAI.NotFoundError;
  });
});

test('chat, whole and streamed', async () => {
  const request = { model: CHAT_MODEL, messages: [{ role: 'user', content: 'Hello' }], max_tokens: 50 };
  const whole = await client.chat.completions.create(request);
  assert.match(whole.choices[0].message.content, /Hello/);
  let text = '';
  for await (const chunk of await client.chat.completions.create({ ...request, stream: true })) text += chunk.choices[0]?.delta?.content ?? '';
  assert.equal(text, whole.choices[0].message.content);
});

test('completions', async () => {
  const made = await client.completions.create({ model: CHAT_MODEL, prompt: 'Hello', max_tokens: 50 });
  assert.match(made.choices[0].text, /Hello/);
});

test('models', async () => {
  const ids = [];
  for await (const m of client.models.list()) ids.push(m.id);
  assert.equal(ids[0], MINILM);
  assert.equal((await client.models.retrieve(MINILM)).id, MINILM);
});
