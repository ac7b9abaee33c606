// What the tests share: the server under test, a collection of their own on it, and pages that are watched.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { newContext } from './browser.js';

export const server = (process.env.SEARCHD_URL ?? process.argv[2] ?? '').replace(/\/$/, '');
if (!server) throw new Error('Set SEARCHD_URL to the address of a running searchd, such as http://127.0.0.1:8080');

export async function api(method, path, body) {
  const response = await fetch(server + path, {
    method, body: body && JSON.stringify(body), headers: body ? { 'Content-Type': 'application/json' } : {},
  });
  return { status: response.status, body: await response.json() };
}

// collection makes one that is removed again when the test ends.
export async function collection(t, documents = []) {
  const name = `page-test-${Math.random().toString(36).slice(2, 10)}`;
  const made = await api('POST', '/collections', { name });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  after(t, () => api('DELETE', `/collections/${name}`));
  if (documents.length > 0) {
    const added = await api('POST', `/collections/${name}/documents?wait=60`, { documents });
    assert.equal(added.status, 200, JSON.stringify(added.body));
    assert.equal(added.body.job.failed, 0, JSON.stringify(added.body));
  }
  return name;
}

export const chatModel = 'example/chat-1b'; // of the fake provider

// provider adds the fake provider as the default one; it is gone when the test ends.
export async function provider(t, more = {}) {
  const id = `fake-${Math.random().toString(36).slice(2, 8)}`;
  const made = await api('POST', '/providers', { provider_id: id, name: id, provider_type: 'huggingface', api_endpoint: process.env.PROVIDER_URL, is_default: true, configuration: { default_model: chatModel }, ...more });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  after(t, () => api('DELETE', `/providers/${id}`));
  return id;
}

const endings = new WeakMap(); // of tests

// after has fn called when the test ends, the last one first: a page is closed before what it shows is deleted. All are
// called, even where one fails.
function after(t, fn) {
  if (!endings.has(t)) {
    endings.set(t, []);
    t.after(async () => {
      const failed = [];
      for (const end of endings.get(t).reverse()) await Promise.resolve().then(end).catch((error) => failed.push(error));
      if (failed.length > 0) throw failed[0];
    });
  }
  endings.get(t).push(fn);
}

// visit opens the page in a window of its own, and checks when the test ends that it asked nobody else for anything,
// and that the console is clean but for messages that match one of expected.
export async function visit(t, path = '/', { expected = [], ready = '.state, .hit, #filter-error:not(:empty)', ...options } = {}) {
  const context = await newContext(options);
  const page = await context.newPage();
  const problems = [];
  const foreign = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(String(error)));
  context.on('request', (request) => {
    if (!request.url().startsWith(`${server}/`) && !/^(data|blob|about):/.test(request.url())) foreign.push(request.url());
  });
  after(t, async () => {
    if (!page.isClosed()) await page.unrouteAll({ behavior: 'ignoreErrors' }); // what it asks for as it closes is nobody's error
    await context.close();
    assert.deepEqual(problems.filter((text) => !expected.some((pattern) => pattern.test(text))), [], 'the console is clean');
    assert.deepEqual(foreign, [], 'nothing is asked of anybody else');
  });
  page.setDefaultTimeout(15_000);
  await page.goto(server + path);
  await page.waitForSelector(ready);
  return page;
}

export async function screenshot(page, name) {
  if (!process.env.SCREENSHOTS) return;
  await mkdir(process.env.SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(process.env.SCREENSHOTS, `${name}.png`) });
}

export const titles = (page) => page.locator('.title').allTextContents();

// ask types a question and waits until its hits are there.
export async function ask(page, query) {
  const answered = page.waitForResponse((r) => r.url().endsWith('/search') && r.request().postDataJSON().query === query);
  await page.fill('#query', query);
  await answered;
  await page.waitForSelector('#results:not([aria-busy])', { state: 'attached' });
}

export const documents = [
  { id: 'recipes/soup', title: 'Too much salt', text: 'Thin an oversalted broth with plain water or unsalted stock until it tastes right again.', metadata: { subject: 'cooking', year: 2024, tags: ['soup', 'two words'], draft: false } },
  { id: 'recipes/bread', title: 'A loaf that stays flat', text: 'Yeast that is dead leaves dough dense. Prove it in warm water with a pinch of sugar first.', metadata: { subject: 'cooking', year: 2019 } },
  { id: 'garden/slugs', title: 'Slugs', text: 'Beer traps, copper tape and picking them off by torchlight keep slugs from the lettuce.', metadata: { subject: 'gardening', year: 2021 }, url: 'https://example.org/slugs' },
];
