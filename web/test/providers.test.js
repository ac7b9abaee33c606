// The providers view: adding, testing, preferring and removing providers, and what was asked of them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, chatModel, provider, screenshot, visit } from './harness.js';

const path = '/?view=providers';
const ready = '.usage figure';
const card = (page, name) => page.locator('.providers > li', { has: page.getByRole('heading', { name }) });

test('a provider is added, tested, made the default, and removed', async (t) => {
  const other = await provider(t);
  t.after(() => api('DELETE', '/providers/page-test'));
  const page = await visit(t, path, { ready, expected: [/422/] });
  await page.getByRole('button', { name: 'Add a provider' }).click();
  const form = page.getByRole('form', { name: 'Add a provider' });
  await form.getByLabel('Name', { exact: true }).fill('Page <b>test</b>');
  await form.getByLabel('Address').fill('http://user@127.0.0.1:1/');
  await form.getByLabel('Key').fill('hf_secretsecretsecret1234');
  await form.getByLabel('Model that generates').fill(chatModel);
  await form.getByRole('button', { name: 'Add', exact: true }).click();
  await form.locator('.wrong:not(:empty)').waitFor();
  await screenshot(page, 'provider-form');
  await form.getByLabel('Name', { exact: true }).fill('Page test');
  await form.getByLabel('Address').fill(process.env.PROVIDER_URL);
  await form.getByRole('button', { name: 'Add', exact: true }).click();
  await form.waitFor({ state: 'detached' });
  const mine = card(page, 'Page test');
  await mine.waitFor();
  const text = await page.locator('main').innerText();
  assert.ok(text.includes('1234') && !text.includes('secret'), 'the key is not shown');
  await mine.getByRole('button', { name: 'Test' }).click();
  await mine.getByText('It works').waitFor();
  assert.match(await mine.locator('.trials').innerText(), /chat\/completions/);
  await screenshot(page, 'provider-tested');
  await mine.getByRole('button', { name: 'Make default' }).click();
  await mine.locator('.badge').waitFor();
  assert.equal(await page.locator('.badge').count(), 1);
  assert.equal((await api('GET', `/providers/${other}`)).body.is_default, false);
  await mine.getByRole('button', { name: 'Remove' }).click();
  await page.getByRole('alertdialog', { name: 'Remove this provider and its key?' }).waitFor();
  await page.click('#confirm-yes');
  await mine.waitFor({ state: 'detached' });
  assert.equal((await api('GET', '/providers/page-test')).status, 404);
});

test('a provider that does not work says what to do', async (t) => {
  const id = await provider(t, { api_endpoint: 'http://127.0.0.1:9' });
  const page = await visit(t, path, { ready });
  await card(page, id).getByRole('button', { name: 'Test' }).click();
  await card(page, id).getByText('It does not work').waitFor();
  assert.ok((await card(page, id).locator('.trials .wrong').first().innerText()).length > 5);
});

test('usage adds up to what the server says', async (t) => {
  await provider(t);
  for (let i = 0; i < 3; i++) assert.equal((await api('POST', '/complete', { prompt: `Number ${i % 2}` })).status, 200);
  await new Promise((done) => setTimeout(done, 500)); // a request is logged a moment after it is answered
  const { body } = await api('GET', '/usage?group_by=day');
  const today = body.usage.at(-1);
  const page = await visit(t, path, { ready });
  const figure = (title) => page.locator('.charts figure', { hasText: title }).locator('b').innerText();
  const all = (of) => body.usage.reduce((sum, day) => sum + of(day), 0).toLocaleString('en');
  assert.equal(await figure('Requests'), all((day) => day.requests));
  assert.equal(await figure('Characters'), all((day) => day.prompt_characters + day.completion_characters));
  assert.equal(await figure('Cache hits'), all((day) => day.cache_hits));
  assert.ok(today.cache_hits >= 1, 'the third is the first again');
  assert.equal(await page.locator('.usage > div > figure b').innerText(), body.monthly_characters.toLocaleString('en'));
  assert.equal(await page.locator('.limit').count(), body.monthly_limit || body.tier_characters ? 1 : 0);
  await page.locator('summary', { hasText: 'by day' }).click();
  const row = page.getByRole('row', { name: new RegExp(`^${today.group}`) });
  assert.match(await row.innerText(), new RegExp(`^${today.group}\\s+${today.requests.toLocaleString('en')}\\s`));
  await screenshot(page, 'usage');
  await page.getByRole('combobox', { name: 'Span' }).selectOption('7');
  await page.waitForFunction(() => document.querySelector('.charts svg').querySelectorAll('g').length === 7);
  assert.equal(new URL(page.url()).searchParams.get('days'), '7');
});
