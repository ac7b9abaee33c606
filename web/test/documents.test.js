// The documents view: the list, its filter and pages, a document's chunks, jobs, deletion.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, collection, documents, screenshot, titles, visit } from './harness.js';

const at = (name, params = {}) => `/?${new URLSearchParams({ view: 'documents', collection: name, ...params })}`;
const status = (page, text) => page.waitForFunction((wanted) => document.getElementById('list-status')?.textContent.startsWith(wanted), text);

test('documents are listed, filtered and paged, and the address keeps it', async (t) => {
  const name = await collection(t, Array.from({ length: 60 }, (_, i) => ({ id: `n${String(i).padStart(2, '0')}`, text: `Note ${i}.`, metadata: { odd: i % 2 === 1 } })));
  const page = await visit(t, at(name));
  await status(page, '1–25 of 60');
  assert.equal(await page.title(), 'Documents – searchd');
  assert.equal(await page.getByRole('link', { name: 'Documents' }).getAttribute('aria-current'), 'page');
  const seen = await titles(page);
  await page.getByRole('button', { name: 'Next' }).click();
  await status(page, '26–50 of 60');
  seen.push(...await titles(page));
  await page.reload();
  await status(page, '26–50 of 60');
  await page.getByRole('button', { name: 'Next' }).click();
  await status(page, '51–60 of 60');
  seen.push(...await titles(page));
  assert.deepEqual(seen, Array.from({ length: 60 }, (_, i) => `n${String(i).padStart(2, '0')}`));
  await page.getByRole('button', { name: 'Previous' }).click();
  await status(page, '26–50 of 60');
  await page.goBack();
  await status(page, '51–60 of 60');
  await page.fill('#list-filter', 'odd:true');
  await status(page, '1–25 of 30');
  assert.equal(new URL(page.url()).searchParams.get('filter'), 'odd:true');
  await page.fill('#list-filter', 'odd');
  await page.getByText('“odd” is no condition').waitFor();
  assert.equal(await page.getAttribute('#list-filter', 'aria-invalid'), 'true');
  await page.fill('#list-filter', 'odd:maybe');
  await page.getByText('No document meets the filter').waitFor();
});

test('a document shows its chunks, with the bytes that each stands for', async (t) => {
  const text = Array.from({ length: 120 }, (_, i) => `Öl № ${i}: 日本語 😀, sentence ${i} of a long document about lighthouses.`).join(' ');
  const name = await collection(t, [{ id: 'long', title: 'Long', text }, ...documents]);
  const page = await visit(t, at(name));
  await page.getByRole('button', { name: 'Long', exact: true }).focus();
  await page.keyboard.press('Enter');
  const list = page.getByRole('listbox');
  await list.waitFor();
  const { chunks } = (await api('GET', `/collections/${name}/documents/long`)).body;
  assert.ok(chunks.length > 3, `${chunks.length} chunks`);
  assert.equal(await list.getByRole('option').count(), chunks.length);
  const bytes = Buffer.from(text);
  const marked = () => page.locator('.reader mark').evaluate((e) => e.textContent);
  assert.equal(await marked(), bytes.subarray(chunks[0].start, chunks[0].end).toString());
  await list.focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  assert.equal(await marked(), bytes.subarray(chunks[2].start, chunks[2].end).toString());
  const row = await list.getByRole('option', { selected: true }).innerText();
  assert.ok(row.includes(`bytes ${chunks[2].start.toLocaleString('en')}–${chunks[2].end.toLocaleString('en')}`), row);
  await screenshot(page, 'inspector');
  await page.keyboard.press('End');
  assert.equal(await marked(), bytes.subarray(chunks.at(-1).start).toString());
  await list.getByRole('option').nth(1).click();
  assert.equal(await marked(), bytes.subarray(chunks[1].start, chunks[1].end).toString());
  await page.keyboard.press('Escape');
  assert.equal(await list.count(), 0);
  await page.getByRole('button', { name: 'More like Slugs' }).click();
  await page.waitForSelector('#like:not([hidden])');
});

test('documents are deleted alone, and by the filter', async (t) => {
  const name = await collection(t, [...documents, ...Array.from({ length: 12 }, (_, i) => ({ id: `n${i}`, text: `Note ${i}.`, metadata: { gone: true } }))]);
  const page = await visit(t, at(name));
  await status(page, '1–15 of 15');
  await page.getByRole('button', { name: 'Delete Slugs' }).click();
  await page.click('#confirm-yes');
  await status(page, '1–14 of 14');
  assert.equal(await page.evaluate(() => document.activeElement.className), 'title', 'the focus is on a neighbour');
  await page.fill('#list-filter', 'gone:true');
  await status(page, '1–12 of 12');
  await page.getByRole('button', { name: 'Delete all 12' }).click();
  await page.getByRole('alertdialog', { name: 'Delete every document that meets this filter?' }).waitFor();
  await screenshot(page, 'delete-all');
  await page.keyboard.press('Escape');
  assert.equal((await api('GET', `/collections/${name}`)).body.documents, 14);
  await page.getByRole('button', { name: 'Delete all 12' }).click();
  await page.click('#confirm-yes');
  await page.getByText('No document meets the filter').waitFor();
  assert.equal((await api('GET', `/collections/${name}`)).body.documents, 2);
});

test('jobs are followed while they run, and can be cancelled', async (t) => {
  const name = await collection(t);
  const page = await visit(t, at(name));
  await page.getByText('Nothing here yet').waitFor();
  const text = 'It is about lighthouses, rocks and the sea around them. '.repeat(8);
  const many = Array.from({ length: 4000 }, (_, i) => ({ id: `n${i}`, text: `Note ${i}. ${text}` })); // for longer than it takes to look
  const { body } = await api('POST', `/collections/${name}/documents?wait=0`, { documents: [{ id: 'bad', text: '' }, ...many] });
  assert.ok(body.job, JSON.stringify(body));
  const jobs = page.getByRole('region', { name: 'Jobs' });
  await jobs.getByText('Running').waitFor();
  await page.waitForFunction(() => document.querySelector('.jobs progress')?.value > 1);
  await page.waitForSelector('#documents .hit'); // as soon as there are some
  await screenshot(page, 'jobs');
  await jobs.getByRole('button', { name: 'Cancel' }).click();
  await jobs.getByText('Cancelled', { exact: true }).waitFor();
  await jobs.getByRole('button', { name: 'What failed' }).click();
  await jobs.getByRole('list', { name: 'What failed' }).getByText('is empty').waitFor();
});

test('another model reads the collection, and the former one is gone back to', async (t) => {
  const name = await collection(t, documents);
  const page = await visit(t, at(name));
  const model = page.getByRole('region', { name: 'Model' });
  await model.getByText('Read by all-MiniLM-L6-v2').waitFor();
  await model.getByRole('button', { name: 'Change the model' }).click();
  const choice = model.getByRole('combobox', { name: 'Another model' });
  await choice.waitFor();
  assert.ok(!(await choice.locator('option').allTextContents()).some((text) => text.includes('MiniLM')), 'its own model is no choice');
  await choice.selectOption('xlm-roberta');
  await screenshot(page, 'model');
  await model.getByRole('button', { name: 'Embed again' }).click();
  await model.getByText('Read by xlm-roberta').waitFor();
  await page.getByRole('region', { name: 'Jobs' }).getByText('embedding again, 3 documents').waitFor();
  let { body } = await api('GET', `/collections/${name}`);
  assert.equal(body.model, 'xlm-roberta');
  await model.getByRole('button', { name: 'Change the model' }).click();
  await model.getByText('Kept from before: all-MiniLM-L6-v2, 3 documents.').waitFor();
  await screenshot(page, 'model-kept');
  await model.getByRole('button', { name: 'Go back to it' }).click();
  await model.getByText('Read by all-MiniLM-L6-v2').waitFor();
  await model.getByRole('button', { name: 'Change the model' }).click();
  await model.getByRole('button', { name: 'Delete it' }).click();
  await page.getByRole('alertdialog', { name: 'Delete what is kept?' }).waitFor();
  await page.click('#confirm-yes');
  await model.getByText('Kept from before').waitFor({ state: 'detached' });
  ({ body } = await api('GET', `/collections/${name}`));
  assert.deepEqual([body.model, body.documents, body.previous], ['sentence-transformers/all-MiniLM-L6-v2', 3, undefined]);
});

test('what a job has failed at is tried again', async (t) => {
  const name = await collection(t);
  const { body } = await api('POST', `/collections/${name}/documents?wait=0`, { documents: Array.from({ length: 2000 }, (_, i) => ({ id: `n${i}`, text: `Note ${i}, of lighthouses and the sea.` })) });
  await api('DELETE', `/jobs/${body.job.id}`);
  const page = await visit(t, at(name));
  const jobs = page.getByRole('region', { name: 'Jobs' });
  await jobs.getByText('Cancelled', { exact: true }).waitFor();
  await jobs.getByRole('button', { name: 'Try again' }).click();
  await jobs.getByText('Done', { exact: true }).waitFor({ timeout: 60_000 });
  assert.equal((await api('GET', `/collections/${name}`)).body.documents, 2000);
});
