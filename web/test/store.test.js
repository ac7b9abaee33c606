// Adding, finding and deleting through the page.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, ask, collection, documents, screenshot, server, titles, visit } from './harness.js';

const inCollection = (name, rest = '') => `/?collection=${name}${rest}`;

async function addText(page, title, text) {
  if (await page.locator('#add').isHidden()) await page.click('#add-toggle');
  await page.fill('#add-title', title);
  await page.fill('#add-text', text);
  await page.click('#add-form button[type=submit]');
}

test('a document is added, found by other words, and deleted', async (t) => {
  const page = await visit(t);
  const title = `Leave ${Date.now()}`;
  await addText(page, title, 'Employees may carry up to five unused vacation days over into March of the following year; after that they lapse.');
  await page.locator('.summary', { hasText: '1 created' }).waitFor();
  await screenshot(page, 'added');
  t.after(async () => {
    const left = await api('GET', '/documents?limit=1000');
    for (const { id } of left.body.documents.filter((d) => d.title === title)) await api('DELETE', `/documents/${encodeURIComponent(id)}`);
  });
  await ask(page, 'what becomes of holidays I did not take before New Year’s Eve');
  assert.equal((await titles(page))[0], title);

  await page.locator('.title').first().focus();
  await page.keyboard.press('Delete');
  await page.waitForSelector('dialog[open]');
  assert.match(await page.locator('#confirm').innerText(), new RegExp(title));
  assert.equal(await page.evaluate(() => document.activeElement.id), 'confirm-no', 'the safe answer has the focus');
  await screenshot(page, 'confirm');
  await page.keyboard.press('Escape');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), title, 'the focus goes back');
  assert.equal((await titles(page))[0], title, 'Escape deletes nothing');

  await page.keyboard.press('Delete');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.waitForSelector('dialog[open]', { state: 'detached' });
  await page.waitForFunction((gone) => ![...document.querySelectorAll('.title')].some((e) => e.textContent === gone), title);
  await ask(page, 'holidays that were not taken');
  assert.ok(!(await titles(page)).includes(title));
  const left = await api('POST', '/search', { query: title, limit: 5 });
  assert.ok(!left.body.hits.some((hit) => hit.title === title));
});

test('an empty collection invites to add', async (t) => {
  const page = await visit(t, inCollection(await collection(t)));
  await page.getByText('Nothing here yet').waitFor();
  await screenshot(page, 'empty');
  await page.locator('.state button').click();
  assert.equal(await page.evaluate(() => document.activeElement.id), 'add-text');
  await page.keyboard.press('Escape');
  assert.ok(await page.locator('#add').isHidden());
  await ask(page, 'anything');
  await page.getByText('Nothing here yet').waitFor();
});

test('while nothing can be found yet, it says that documents are being taken in, and looks again', async (t) => {
  const name = await collection(t);
  const text = Array.from({ length: 4000 }, (_, i) => `Note ${i} is about lighthouses, rocks and the sea around them.`).join(' '); // takes seconds to read
  const { body } = await api('POST', `/collections/${name}/documents?wait=0`, { documents: [{ id: 'notes', title: 'Lighthouses', text, metadata: { subject: 'sea' } }] });
  assert.ok(body.job, JSON.stringify(body));
  const asked = await visit(t, inCollection(name, '&q=beacons+on+a+cliff'));
  await asked.getByText('Documents are being taken in').waitFor();
  const idle = await visit(t, inCollection(name));
  await idle.getByText('Documents are being taken in').waitFor();
  await screenshot(idle, 'taking-in');
  await asked.locator('.title', { hasText: 'Lighthouses' }).waitFor({ timeout: 60_000 });
  await asked.locator('#facets').getByText('sea').waitFor();
  await idle.getByText('1 document to search').waitFor({ timeout: 60_000 });
  assert.match(await idle.locator('#about').innerText(), /^1 document/);
});

test('files are read, and what cannot be taken is told with its reason', async (t) => {
  const name = await collection(t);
  const page = await visit(t, inCollection(name));
  await page.click('#add-toggle');
  const lines = ['{"id":"a","text":"The moon pulls the sea, so it rises and falls twice a day.","metadata":{"n":12345678901234567890}}', '', '{"id":"b","text":""}', 'not json', '{"id":"c","text":"Cats sleep most of the day.","titel":"x"}'];
  await page.setInputFiles('#add-files', [
    { name: 'notes.md', mimeType: 'text/markdown', buffer: Buffer.from('```\n# no heading\n```\n# Tides ☾\n\nWhy the water comes and goes.') },
    { name: 'plain.txt', mimeType: 'text/plain', buffer: Buffer.from('Bees dance to tell where flowers are.') },
    { name: 'some.jsonl', mimeType: '', buffer: Buffer.from(lines.join('\r\n')) },
    { name: 'photo.png', mimeType: 'image/png', buffer: Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=', 'base64') },
    { name: 'latin.txt', mimeType: 'text/plain', buffer: Buffer.from('Le café est fermé le dimanche.', 'latin1') },
    { name: 'tides.html', mimeType: 'text/html', buffer: Buffer.from('<!doctype html><title>Tide tables</title><nav>Home</nav><main><h1>Tides</h1><p>The moon pulls the sea twice a day, and the harbour fills.</p></main>') },
    { name: 'nothing.txt', mimeType: 'text/plain', buffer: Buffer.from('') },
  ]);
  await page.locator('.summary', { hasText: '5 created, 5 failed' }).waitFor();
  const failures = await page.locator('.failures').innerText();
  for (const reason of [/photo\.png \S+/, /nothing\.txt is empty/, /some\.jsonl, line 3 text is empty/, /some\.jsonl, line 4 .*not JSON/, /some\.jsonl, line 5 titel .*not a field/]) {
    assert.match(failures, reason);
  }
  await screenshot(page, 'failures');
  const notes = await api('GET', `/collections/${name}/documents/notes.md`);
  assert.equal(notes.body.title, 'Tides ☾');
  assert.equal((await api('GET', `/collections/${name}/documents/latin.txt`)).body.text, 'Le café est fermé le dimanche.');
  assert.equal((await api('GET', `/collections/${name}/documents/tides.html`)).body.title, 'Tide tables');
  const kept = await (await fetch(`${server}/collections/${name}/documents/a`)).text();
  assert.match(kept, /12345678901234567890/, 'large numbers are passed on unchanged');
  await page.setInputFiles('#add-files', [{ name: 'plain.txt', mimeType: 'text/plain', buffer: Buffer.from('Bees dance to tell where flowers are.') }]);
  await page.locator('.summary', { hasText: '1 unchanged' }).waitFor();
});

test('a large file goes in parts, with progress', async (t) => {
  const name = await collection(t);
  const page = await visit(t, inCollection(name));
  const parts = [];
  page.on('request', (r) => { if (r.method() === 'POST' && r.url().includes('/documents?')) parts.push(r.postDataBuffer().length); });
  await page.click('#add-toggle');
  const lines = Array.from({ length: 620 }, (_, i) => JSON.stringify({ id: `n${i}`, text: `Note ${i}.` })).join('\n');
  await page.setInputFiles('#add-files', [{ name: 'many.jsonl', mimeType: '', buffer: Buffer.from(lines) }]);
  await page.waitForFunction(() => document.querySelector('progress')?.value > 0);
  await screenshot(page, 'progress');
  await page.locator('.summary', { hasText: '620 created' }).waitFor({ timeout: 60_000 });
  assert.equal(parts.length, 2);
  assert.equal((await api('GET', `/collections/${name}`)).body.documents, 620);
  await page.getByText('620 documents to search').waitFor();
});

test('an upload that finds no server can be tried again', async (t) => {
  const page = await visit(t, inCollection(await collection(t)), { expected: [/ERR_/] });
  await page.route('**/documents?wait=0', (route) => route.abort('connectionrefused'));
  await addText(page, 'Kept', 'Words that must not be lost.');
  await page.getByText('The server does not answer').waitFor();
  await page.unroute('**/documents?wait=0');
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.locator('.summary', { hasText: '1 created' }).waitFor();
});

test('files and text can be dropped and pasted anywhere', async (t) => {
  const page = await visit(t, inCollection(await collection(t)));
  await page.evaluate(() => {
    const data = new DataTransfer();
    data.items.add(new File(['Dropped words.'], 'dropped.txt', { type: 'text/plain' }));
    window.dispatchEvent(new DragEvent('dragenter', { dataTransfer: data, cancelable: true }));
  });
  assert.ok(await page.locator('#drop').isVisible());
  await page.evaluate(() => {
    const data = new DataTransfer();
    data.items.add(new File(['Dropped words.'], 'dropped.txt', { type: 'text/plain' }));
    window.dispatchEvent(new DragEvent('drop', { dataTransfer: data, cancelable: true }));
  });
  await page.locator('.summary', { hasText: '1 created' }).waitFor();
  assert.ok(await page.locator('#drop').isHidden());
  await page.evaluate(() => {
    const data = new DataTransfer();
    data.setData('text/plain', 'Pasted words.');
    document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
  });
  assert.equal(await page.inputValue('#add-text'), 'Pasted words.');
});

test('collections can be chosen, and ids may hold anything', async (t) => {
  const odd = ['a/b', 'a//b', 'a/../b', 'a%2Fb', 'ü ?#&+', '100%', '  spaced  ', '"quoted"'];
  const name = await collection(t, odd.map((id) => ({ id, text: `The document ${id} is about odd names.` })));
  const page = await visit(t, '/');
  await page.selectOption('#collection', name);
  await page.getByText(`${odd.length} documents to search`).waitFor();
  await ask(page, 'odd names');
  assert.deepEqual((await titles(page)).sort(), [...odd].sort());
  for (let left = odd.length; left > 0; left--) {
    const title = page.locator('.title').first();
    await title.click();
    await page.locator('.hit').first().locator('.reader, .failed').waitFor();
    assert.equal(await page.locator('.hit').first().locator('.failed').count(), 0, await page.locator('.hit').first().innerText());
    await page.locator('.delete').first().click();
    await page.click('#confirm-yes');
    await page.waitForFunction((n) => document.querySelectorAll('.hit').length === n, left - 1);
    assert.equal(await page.locator('#confirm-error').innerText(), '');
  }
  await page.getByText('Nothing here yet').waitFor();
});

test('the marked passage is cut at bytes, not at characters', async (t) => {
  const filler = Array.from({ length: 60 }, (_, i) => `Öl № ${i} – 日本語 😀 steht hier nur als Füllung.`).join(' ');
  const needle = 'The lighthouse keeper’s daughter 👩‍🚀 rowed through the storm to save the sailors.';
  const text = `\ufeff${filler}\n\n${needle}\n\n${filler}`;
  const name = await collection(t, [{ id: 'long', title: 'Long', text }]);
  const page = await visit(t, inCollection(name, `&q=${encodeURIComponent('a girl rescued shipwrecked seamen')}`));
  await page.locator('.title').click();
  const full = page.locator('.full');
  await full.waitFor();
  assert.equal(await full.evaluate((e) => e.textContent), text);
  const hit = (await api('POST', `/collections/${name}/search`, { query: 'a girl rescued shipwrecked seamen' })).body.hits[0];
  const marked = await page.locator('.reader mark').evaluate((e) => e.textContent);
  assert.equal(marked, Buffer.from(text).subarray(hit.chunk.start, hit.chunk.end).toString());
  assert.ok(hit.chunk.start > 0, 'the text has several passages');
  assert.ok(await page.locator('.reader mark').evaluate((mark) => {
    const box = mark.parentElement.getBoundingClientRect();
    const top = mark.getClientRects()[0].top;
    return top >= box.top && top < box.bottom;
  }), 'the passage is scrolled to');
  await screenshot(page, 'marked');
});

test('a question that is asked again at once is answered', async (t) => {
  const page = await visit(t, inCollection(await collection(t, documents), '&q=slugs'));
  await page.locator('.delete').first().click();
  await page.evaluate(() => { // in one turn, so that the event of the first closing comes while the second is open
    document.getElementById('confirm').close();
    document.querySelector('.delete').click();
  });
  await page.click('#confirm-yes');
  await page.waitForFunction(() => document.querySelectorAll('.hit').length === 2);
  assert.match(await page.locator('#status').innerText(), /^1–2 of 2/);
});

test('a deletion that fails is told in the question', async (t) => {
  const name = await collection(t, documents);
  const page = await visit(t, inCollection(name, '&q=slugs'), { expected: [/404/] });
  await api('DELETE', `/collections/${name}/documents/${encodeURIComponent('garden/slugs')}`);
  await page.locator('.hit', { hasText: 'Beer traps' }).locator('.delete').click();
  await page.click('#confirm-yes');
  await page.getByText('there is no document').waitFor();
  await page.click('#confirm-no');
});

test('what would be added is shown first, where that is asked for', async (t) => {
  const name = await collection(t, documents);
  const page = await visit(t, `/?collection=${name}`);
  await page.click('#add-toggle');
  await page.getByRole('checkbox', { name: 'Show what would be added first' }).check();
  await page.setInputFiles('#add-files', [
    { name: 'soup.txt', mimeType: 'text/plain', buffer: Buffer.from(documents[0].text) },
    { name: 'more.jsonl', mimeType: 'text/plain', buffer: Buffer.from(`${JSON.stringify(documents[1])}\n{"id":"empty","text":""}\n{"id":"new","text":"Something new."}\n`) },
  ]);
  await page.getByText('Not added yet: 2 new, 1 unchanged, 1 fails').waitFor();
  const list = page.getByRole('list', { name: 'What would be added' });
  await list.getByText('the same text as recipes/soup').waitFor();
  await list.getByText('is empty; give the text to be found').waitFor();
  await page.getByText(/the model would read \d+ tokens in about 1 second; 1 duplicate/).waitFor();
  await screenshot(page, 'preview');
  assert.equal((await api('GET', `/collections/${name}`)).body.documents, 3, 'nothing is added');
  await page.getByRole('button', { name: 'Leave it' }).click();
  assert.ok(await page.locator('#intake').isHidden());
  await page.fill('#add-text', 'A text that is looked at, and then added.');
  await page.getByRole('button', { name: 'Add this text' }).click();
  await page.getByText('Not added yet: 1 new').waitFor();
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.locator('.summary', { hasText: '1 created' }).waitFor();
  assert.equal((await api('GET', `/collections/${name}`)).body.documents, 4);
});
