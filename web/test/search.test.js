// Asking: the address, filters, pages, keys, and what is shown when something is wrong.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, collection, documents, screenshot, server, titles, visit } from './harness.js';

const at = (name, params = {}) => `/?${new URLSearchParams({ collection: name, ...params })}`;
const filterTo = async (page, text) => {
  await page.fill('#filter', text);
  await page.waitForTimeout(250);
  await page.waitForSelector('#results:not([aria-busy])', { state: 'attached' });
};

test('the address keeps the question, and back goes back', async (t) => {
  const name = await collection(t, documents);
  const page = await visit(t, at(name));
  await ask(page, 'snails');
  await page.keyboard.press('Enter');
  await ask(page, 'salty broth');
  await page.waitForURL((url) => url.searchParams.get('q') === 'salty broth');
  assert.equal(await page.title(), 'salty broth – searchd');
  assert.equal((await titles(page))[0], 'Too much salt');
  await page.goBack();
  await page.waitForFunction(() => document.querySelector('.title')?.textContent === 'Slugs');
  assert.equal(await page.inputValue('#query'), 'snails');
  await page.reload();
  await page.waitForSelector('.hit');
  assert.equal((await titles(page))[0], 'Slugs');
  await page.goBack();
  await page.getByText('3 documents to search').waitFor();
  assert.equal(await page.inputValue('#query'), '');
});

test('letters are answered as they come, and do not pile up; only the last question counts', async (t) => {
  const name = await collection(t, documents);
  const page = await visit(t, at(name));
  const asked = [];
  let pace = 60;
  await page.route('**/search', async (route) => {
    const { query, highlight, facets } = route.request().postDataJSON();
    if (!highlight && !facets) asked.push(query);
    const response = await route.fetch();
    const answer = await response.json();
    if (query === 'slow') for (const hit of answer.hits) hit.title = 'stale';
    await new Promise((done) => setTimeout(done, query === 'slow' ? 800 : pace));
    return route.fulfill({ response, json: answer }).catch(() => {}); // the page may have given it up
  });
  await page.locator('#query').pressSequentially('snails', { delay: 20 });
  await page.waitForFunction(() => location.search.includes('q=snails') && document.querySelector('#results:not([aria-busy])'));
  assert.equal(asked[0], 's', 'the first letter does not wait');
  assert.equal(asked.at(-1), 'snails');
  assert.ok(asked.length < 6, `a letter waits for the answer to the one before it: ${asked}`);
  pace = 1000;
  asked.length = 0;
  await page.fill('#query', '');
  await page.locator('#query').pressSequentially('bread', { delay: 20 });
  await page.waitForTimeout(400);
  assert.deepEqual(asked, ['b', 'bread'], 'where answers take long, a pause is waited for');
  pace = 0;
  await page.fill('#query', 'slow');
  await page.waitForSelector('#busy:not([hidden])');
  await ask(page, 'salty broth');
  await page.waitForTimeout(1000);
  assert.equal((await titles(page))[0], 'Too much salt', 'the stale answer is dropped');
});

test('the filter takes words and JSON, and shows what is wrong with it', async (t) => {
  const name = await collection(t, documents);
  const page = await visit(t, at(name, { q: 'slugs' }), { expected: [/422/] });
  for (const [text, expected] of [
    ['subject:cooking', ['Too much salt', 'A loaf that stays flat']],
    ['subject:cooking year>=2020', ['Too much salt']],
    ['year > 2018 year<2022', ['Slugs', 'A loaf that stays flat']],
    ['subject!=cooking', ['Slugs']],
    ['subject:gardening,music', ['Slugs']],
    ['tags:"two words"', ['Too much salt']],
    ['tags:*', ['Too much salt']],
    ['draft:false', ['Too much salt']],
    ['subject~gard', ['Slugs']],
    ['{"subject":"cooking","year":{"$gte":2020}}', ['Too much salt']],
  ]) {
    await filterTo(page, text);
    assert.deepEqual((await titles(page)).sort(), expected.sort(), text);
    assert.match(await page.locator('#status').innerText(), new RegExp(`1–${expected.length} of ${expected.length}`));
  }
  for (const [text, message] of [
    ['{"year":{"$above":3}}', /year\.\$above is not an operator/],
    ['$near:3', /\$near is not an operator/],
    ['{"year":', /not JSON yet/],
    ['cooking', /“cooking” is no condition/],
    ['year>=', /“year>=” has no value/],
  ]) {
    await filterTo(page, text);
    assert.match(await page.locator('#filter-error').innerText(), message);
    assert.equal(await page.getAttribute('#filter', 'aria-invalid'), 'true');
  }
  await screenshot(page, 'filter-error');
  await filterTo(page, 'subject:music');
  await page.getByText('No document meets the filter').waitFor();
  assert.equal(await page.locator('#filter-error').innerText(), '');
  await screenshot(page, 'no-hits');
  await page.click('.state button');
  await page.waitForSelector('.hit');
});

test('a click on a chip narrows the filter', async (t) => {
  const name = await collection(t, documents);
  const page = await visit(t, at(name, { q: 'broth' }));
  await page.getByRole('button', { name: 'Only where subject: cooking' }).first().click();
  assert.equal(await page.inputValue('#filter'), 'subject:cooking');
  await page.waitForFunction(() => document.querySelectorAll('.hit').length === 2);
  await page.getByRole('button', { name: 'Only where tags: two words' }).click();
  assert.equal(await page.inputValue('#filter'), 'subject:cooking tags:"two words"');
  await page.waitForFunction(() => document.querySelectorAll('.hit').length === 1);
  await page.fill('#filter', '{"year":{"$gt":2000}}');
  await page.waitForFunction(() => document.querySelectorAll('.hit').length === 3);
  await page.getByRole('button', { name: 'Only where year: 2024' }).click();
  assert.equal(await page.inputValue('#filter'), '{"$and":[{"year":{"$gt":2000}},{"year":2024}]}');
  await page.waitForFunction(() => document.querySelectorAll('.hit').length === 1);
});

test('hits come page by page, with the exact total', async (t) => {
  const name = await collection(t, Array.from({ length: 23 }, (_, i) => ({ id: `n${i}`, text: `Lighthouse number ${i} stands on a rock.` })));
  const page = await visit(t, at(name, { q: 'lighthouse' }));
  const status = page.locator('#status');
  assert.match(await status.innerText(), /^1–10 of 23/);
  assert.ok(await page.locator('#previous').isDisabled());
  const seen = await titles(page);
  await page.click('#next');
  await page.getByText('Page 2 of 3').waitFor();
  assert.match(await status.innerText(), /^11–20 of 23/);
  assert.equal(await page.evaluate(() => [...document.querySelectorAll('.title')].indexOf(document.activeElement)), 0, 'the focus is on the first new hit');
  seen.push(...await titles(page));
  assert.equal(new URL(page.url()).searchParams.get('page'), '2');
  await page.click('#next');
  await page.getByText('Page 3 of 3').waitFor();
  assert.match(await status.innerText(), /^21–23 of 23/);
  assert.ok(await page.locator('#next').isDisabled());
  seen.push(...await titles(page));
  assert.equal(new Set(seen).size, 23, 'no hit stands there twice');
  await page.goBack();
  await page.getByText('Page 2 of 3').waitFor();
  await ask(page, 'rock');
  await page.waitForURL((url) => !url.searchParams.has('page')); // another question begins with its first page
  await page.goto(`${server}${at(name, { q: 'lighthouse', page: 9 })}`);
  await page.getByText('There is no such page').waitFor();
  await page.getByRole('button', { name: 'To the first page' }).click();
  await page.waitForSelector('.hit');
});

test('the switch says how to search, and the address keeps it', async (t) => {
  const name = await collection(t, documents);
  const page = await visit(t, at(name, { q: 'yeast' }));
  assert.equal((await titles(page)).length, 3, 'by both, all documents are hits');
  await page.getByRole('radio', { name: 'Lexical' }).check({ force: true });
  await page.waitForFunction(() => document.querySelectorAll('.hit').length === 1);
  assert.equal((await titles(page))[0], 'A loaf that stays flat');
  assert.equal(new URL(page.url()).searchParams.get('mode'), 'lexical');
  await ask(page, 'gastropods');
  await page.getByText('No document has these words.').waitFor();
  await screenshot(page, 'no-words');
  await page.getByRole('button', { name: 'Search by meaning, too' }).click();
  await page.waitForSelector('.hit');
  assert.equal(new URL(page.url()).searchParams.get('mode'), null);
  await page.goBack();
  await page.getByText('No document has these words.').waitFor();
  await page.locator('[name=mode][value=lexical]').focus();
  await page.keyboard.press('ArrowLeft');
  await page.waitForSelector('.hit');
  assert.equal(new URL(page.url()).searchParams.get('mode'), 'semantic', 'with keys, too');
});

const choices = (page, key) => page.getByRole('group', { name: key, exact: true }).locator('.choice').evaluateAll((all) => all.map((e) => `${e.querySelector('input').checked ? '*' : ''}${e.innerText.replace(/\s+/g, ' ')}`));

test('facets are made of the metadata, count all hits, and write the filter', async (t) => {
  const years = Array.from({ length: 20 }, (_, i) => ({ id: `y${i}`, text: `Report ${i} of the lighthouse.`, metadata: { subject: i % 2 ? 'sea' : 'two words', odd: i % 2 === 1, n: i, at: `20${10 + i}-03-01T00:00:00Z`, ref: i < 2 ? String(i) : i } }));
  const name = await collection(t, [...years, ...documents]);
  const page = await visit(t, at(name, { q: 'lighthouse' }));
  await page.waitForSelector('#facets:not([hidden])');
  assert.deepEqual(await choices(page, 'subject'), ['sea 10', 'two words 10', 'cooking 2', 'gardening 1']);
  assert.deepEqual(await choices(page, 'odd'), ['false 10', 'true 10']);
  await screenshot(page, 'facets');
  const choose = async (group, value, hits) => {
    await page.getByRole('group', { name: group, exact: true }).getByRole('checkbox', { name: value }).click();
    await page.waitForFunction((n) => document.getElementById('status').innerText.includes(` of ${n}`), hits);
    await page.waitForSelector('#results:not([aria-busy])');
    await page.waitForSelector('#facets:not([aria-busy])');
  };
  await choose('subject', 'two words', 10);
  assert.equal(await page.inputValue('#filter'), 'subject:"two words"');
  assert.deepEqual(await choices(page, 'subject'), ['*two words 10', 'sea 10', 'cooking 2', 'gardening 1'], 'what else there is stays to be seen');
  assert.deepEqual(await choices(page, 'odd'), ['false 10']);
  await choose('subject', 'cooking', 12);
  assert.equal(await page.inputValue('#filter'), 'subject:"two words",cooking');
  await choose('subject', 'two words', 2);
  assert.equal(await page.inputValue('#filter'), 'subject:cooking');
  await choose('subject', 'cooking', 23);
  assert.equal(await page.inputValue('#filter'), '');
  await page.getByLabel('n from').fill('5');
  await page.getByLabel('n from').press('Enter');
  await page.waitForFunction(() => document.getElementById('status').innerText.includes(' of 15'));
  await page.waitForSelector('#facets:not([aria-busy])');
  await page.getByLabel('at to').fill('2020-03-01');
  await page.waitForFunction(() => document.getElementById('status').innerText.includes(' of 6'));
  assert.equal(await page.inputValue('#filter'), 'n>=5 at<="2020-03-01T23:59:59.999999Z"');
  await page.reload();
  await page.waitForSelector('#facets:not([hidden])');
  assert.equal(await page.inputValue('[id="facet-to-at"]'), '2020-03-01');
  await filterTo(page, '{"subject":{"$in":["sea","cooking"]}}');
  await page.waitForFunction(() => document.querySelectorAll('.choice input:checked').length === 2);
  await choose('subject', 'cooking', 10);
  assert.equal(await page.inputValue('#filter'), '{"subject":"sea"}');
});

test('more like this', async (t) => {
  const name = await collection(t, [...documents, { id: 'garden/snails', title: 'Snails', text: 'Snails and slugs are kept from lettuce with copper tape and beer traps.' }]);
  const page = await visit(t, at(name, { q: 'salty broth' }));
  await page.locator('.hit', { hasText: 'Beer traps, copper' }).getByRole('button', { name: 'More like Slugs' }).click();
  await page.waitForFunction(() => document.querySelector('.title')?.textContent === 'Snails');
  assert.ok(!(await titles(page)).includes('Slugs'), 'it is not like itself');
  assert.equal(await page.inputValue('#query'), '');
  assert.equal(await page.locator('#like-what').innerText(), 'garden/slugs');
  assert.equal(new URL(page.url()).searchParams.get('like'), 'garden/slugs');
  await screenshot(page, 'like');
  await page.reload();
  await page.waitForFunction(() => document.querySelector('.title')?.textContent === 'Snails');
  await page.goBack();
  await page.waitForFunction(() => document.querySelector('.title')?.textContent === 'Too much salt');
  await page.goForward();
  await page.waitForSelector('#like:not([hidden])');
  await ask(page, 'bread');
  assert.ok(await page.locator('#like').isHidden(), 'a question takes its place');
});

test('a drawer says why a hit stands where it does', async (t) => {
  const name = await collection(t, documents);
  const page = await visit(t, at(name, { q: 'slugs in the lettuce' }));
  await page.getByRole('button', { name: 'Why Slugs stands here' }).focus();
  await page.keyboard.press('Enter');
  const drawer = page.getByRole('dialog', { name: 'Why it stands here' });
  await drawer.getByText('Place 1').waitFor();
  const text = await drawer.innerText();
  assert.match(text, /Meaning\s+1\.\s+0\.\d+ cosine\s+[\d.]+/);
  assert.match(text, /Words\s+(–|\d+\.)\s+[\d.]+ BM25\s+[\d.]+/);
  for (const part of ['embed', 'semantic', 'lexical']) assert.match(text, new RegExp(`${part}\\s+[\\d.]+ ms`));
  await screenshot(page, 'why');
  await page.keyboard.press('Escape');
  await drawer.waitFor({ state: 'detached' });
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), 'Why Slugs stands here', 'the focus goes back');
});

test('the sentences that answer are marked, and stand in view', async (t) => {
  const filler = 'The harbour was grey and the gulls were loud. '.repeat(8);
  const answer = 'A database is restored by running the restore command with the backup file.';
  const name = await collection(t, [{ id: 'long', text: `${filler}${answer} It rained — on Tuesday.` }, { id: 'short', text: answer }]);
  const page = await visit(t, at(name, { q: 'how do I restore the database from a backup?' }));
  await page.waitForFunction(() => document.querySelectorAll('.passage mark').length === 2);
  assert.deepEqual(await page.locator('.passage mark').allTextContents(), [answer, answer]);
  const long = page.locator('.hit', { has: page.getByRole('button', { name: 'long', exact: true }) });
  assert.ok(await long.locator('.lead').isHidden(), 'what is far before it is left out');
  await screenshot(page, 'highlights');
  await long.getByRole('button', { name: 'more', exact: true }).click();
  assert.ok(await long.locator('.lead').isVisible());
  assert.ok(await long.locator('.gap').isHidden());
});

test('hits that hardly fit are not passed off as answers', async (t) => {
  const name = await collection(t, documents);
  const page = await visit(t, at(name));
  let best = 0.93;
  await page.route('**/search', async (route) => {
    const response = await route.fetch();
    const answer = await response.json();
    answer.hits.forEach((hit, i) => { hit.relevance = best - i * 0.3; });
    await route.fulfill({ response, json: answer });
  });
  await ask(page, 'slugs');
  assert.deepEqual(await page.locator('.percent').allTextContents(), ['93%', '63%', '33%']);
  assert.equal(await page.locator('.relevance.low').count(), 1);
  const widths = await page.locator('.fill').evaluateAll((all) => all.map((e) => Math.round(100 * e.clientWidth / e.parentElement.clientWidth)));
  assert.ok(Math.abs(widths[0] - 93) <= 2 && Math.abs(widths[2] - 33) <= 2, `the bars are ${widths} % wide`);
  assert.ok(await page.locator('#note').isHidden());
  await screenshot(page, 'relevance');
  best = 0.3;
  await ask(page, 'interest rates');
  await page.getByText('Nothing here fits well').waitFor();
});

test('everything can be done with keys', async (t) => {
  const name = await collection(t, documents);
  const page = await visit(t, at(name));
  const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.textContent);
  assert.equal(await focused(), 'query');
  await page.locator('#add-toggle').focus();
  await page.keyboard.press('/');
  assert.equal(await focused(), 'query');
  assert.equal(await page.inputValue('#query'), '', 'the slash is not typed');
  await page.keyboard.type('and/or');
  assert.equal(await page.inputValue('#query'), 'and/or', 'in the box it is');
  await ask(page, 'slugs');
  const order = await titles(page);
  for (const [key, expected] of [['ArrowDown', order[0]], ['ArrowDown', order[1]], ['j', order[2]], ['j', order[2]], ['k', order[1]], ['ArrowUp', order[0]]]) {
    await page.keyboard.press(key);
    assert.equal(await focused(), expected, key);
  }
  assert.ok(await page.evaluate(() => getComputedStyle(document.activeElement.closest('.hit')).boxShadow !== 'none'), 'the focus shows');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.reader');
  assert.equal(await page.locator('.reader mark').innerText(), documents[2].text);
  await screenshot(page, 'expanded');
  await page.keyboard.press('Escape');
  assert.equal(await page.locator('.reader').count(), 0);
  assert.equal(await focused(), order[0]);
  await page.keyboard.press('Escape');
  assert.equal(await focused(), 'query');
  await page.keyboard.press('Escape');
  assert.equal(await page.inputValue('#query'), '');
  await page.getByText('3 documents to search').waitFor();
});

test('an error of the server is shown, and so is its silence', async (t) => {
  const name = await collection(t, documents);
  const page = await visit(t, at(name), { expected: [/503|ERR_|Failed to load/] });
  await page.route('**/search', (route) => route.fulfill({ status: 503, contentType: 'application/json', body: JSON.stringify({ error: { message: 'is being <b>built</b>', param: 'index', request_id: 'req_1' } }) }));
  await ask(page, 'slugs');
  await page.getByText('index is being <b>built</b>').waitFor();
  await page.getByText('req_1').waitFor();
  await screenshot(page, 'error');
  await page.unroute('**/search');
  await page.route(`${server}/**`, (route) => route.abort('connectionrefused'));
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByText('The server does not answer').waitFor();
  await screenshot(page, 'gone');
  await page.unroute(`${server}/**`);
  await page.waitForSelector('.hit'); // by itself
  assert.equal((await titles(page))[0], 'Slugs');
});
