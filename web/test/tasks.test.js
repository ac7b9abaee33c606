// The tasks view, with the fake provider of run.sh and without any.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { chatModel, collection, documents, provider, screenshot, server, visit } from './harness.js';

const at = (task, params = {}) => `/?${new URLSearchParams({ view: 'tasks', task, ...params })}`;
const ready = '.task, .state';
const result = (page) => page.getByRole('region', { name: 'Result' });
const run = (page, name) => page.locator('.task').getByRole('button', { name, exact: true }).click();
// The fake provider says of a chat what it was asked, so a text of it shows that the whole way works.
const said = (prompt) => `You said: ${prompt}`;

test('without a provider, what needs one says what to configure', async (t) => {
  for (const task of ['complete', 'compare', 'translate']) {
    const page = await visit(t, at(task), { ready });
    await page.getByText('Not configured').waitFor();
    assert.match(await page.locator('.state').innerText(), /add a provider of type huggingface, tgi, openai/);
    await screenshot(page, `unconfigured-${task}`);
  }
  const page = await visit(t, at('sentiment'), { ready });
  await page.fill('#task-text', 'What a wonderful loaf, I love it!');
  await page.keyboard.press('Control+Enter');
  await result(page).getByText('positive').first().waitFor();
  await screenshot(page, 'sentiment');
});

test('an answer rests on passages, and a citation jumps to its words', async (t) => {
  const filler = Array.from({ length: 60 }, (_, i) => `Öl № ${i} – 日本語 😀 is only here to fill.`).join(' ');
  const answer = 'A corrupt database is recovered by running the restore command with the newest backup file.';
  const name = await collection(t, [{ id: 'manual', title: 'Manual', text: `${filler} ${answer} ${filler}` }, ...documents]);
  const page = await visit(t, at('answer', { collection: name }), { ready, viewport: { width: 1100, height: 500 } });
  await page.fill('#task-question', 'how do I recover a corrupt database?');
  await run(page, 'Answer');
  const citation = page.locator('.citations .cite').first();
  await citation.waitFor();
  assert.match(await result(page).locator('.made').innerText(), /restore command with the newest backup file/);
  assert.match(await citation.innerText(), /^Manual: “/);
  await screenshot(page, 'answer');
  await citation.focus();
  await page.keyboard.press('Enter');
  const focused = await page.evaluate(() => [document.activeElement.tagName, document.activeElement.textContent, document.activeElement.getBoundingClientRect().top]);
  assert.equal(focused[0], 'MARK');
  assert.ok(focused[1].includes('restore command'), focused[1]);
  assert.ok(focused[2] > 0 && focused[2] < 500, `it is in view: ${focused[2]}`);
  await result(page).getByRole('button', { name: 'Whole document' }).first().click();
  await page.waitForSelector('.reader mark');
});

test('a completion comes in pieces, and can be run from a shell', async (t) => {
  await provider(t);
  const page = await visit(t, at('complete'), { ready });
  const prompt = `It's "here" & <b>there</b> ${'word '.repeat(20)}$HOME`;
  await page.fill('#task-prompt', prompt);
  await page.fill('#task-temperature', '0.5');
  await run(page, 'Complete');
  await result(page).getByText(chatModel).waitFor();
  assert.equal(await result(page).locator('.made').innerText(), said(prompt));
  assert.equal(await page.locator('.result b').count(), 0, 'no markup came of it');
  await page.locator('summary', { hasText: 'curl' }).click();
  const command = await page.locator('pre').innerText();
  await screenshot(page, 'complete');
  const out = execFileSync('bash', ['-c', command], { encoding: 'utf8' });
  assert.match(out, /event: delta\ndata: /);
  assert.ok(out.includes(JSON.stringify(said(prompt)).slice(1, -1)), out.slice(-300));
});

test('models stand side by side, and one that fails says why', async (t) => {
  await provider(t);
  const page = await visit(t, at('compare'), { ready });
  await page.fill('#task-prompt', 'Why does bread rise?');
  await page.getByLabel('Model 1').fill(chatModel);
  await page.getByLabel('Model 2').fill('example/none');
  await run(page, 'Compare');
  await result(page).getByText('1 of 2 models answered').waitFor();
  const cards = result(page).getByRole('article');
  assert.equal(await cards.count(), 2);
  assert.match(await cards.filter({ hasText: chatModel }).innerText(), /You said: Why does bread rise\?/);
  assert.ok((await cards.filter({ hasText: 'example/none' }).locator('.wrong').innerText()).length > 10);
  await screenshot(page, 'compare');
});

test('summaries and translations', async (t) => {
  await provider(t);
  const page = await visit(t, at('translate'), { ready });
  await page.getByLabel('Model', { exact: true }).fill('Helsinki-NLP/opus-mt-en-fr');
  await page.fill('#task-text', 'The bread is fresh.');
  await run(page, 'Translate');
  await result(page).getByText('opus-mt-en-fr').waitFor();
  assert.ok((await result(page).locator('.made').innerText()).length > 3);
  await page.getByRole('link', { name: 'Summarize' }).click();
  await page.locator('#task-max_length').waitFor();
  assert.equal(new URL(page.url()).searchParams.get('task'), 'summarize');
  await page.selectOption('#task-provider', 'local');
  await page.fill('#task-max_length', '12');
  await page.fill('#task-text', 'Yeast turns sugar into gas. The gas is caught in the dough, which rises. In the oven the dough sets, and the bread keeps its shape.');
  await run(page, 'Summarize');
  await result(page).getByText(/^\d+ of \d+ words/).waitFor();
});

test('what the server refuses is told with its field', async (t) => {
  await provider(t);
  const page = await visit(t, at('complete'), { ready, expected: [/404|422|502/] });
  await page.fill('#task-prompt', 'Why?');
  await page.getByLabel('Model', { exact: true }).fill('example/none');
  await run(page, 'Complete');
  await result(page).getByRole('alert').waitFor();
  assert.match(await result(page).getByRole('alert').innerText(), /example\/none/);
  await screenshot(page, 'task-error');
});
