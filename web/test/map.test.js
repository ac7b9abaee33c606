// The map view: points, colours, where a question lands, and how a point is opened.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collection, screenshot, visit } from './harness.js';

const at = (params = {}) => `/?${new URLSearchParams({ view: 'map', ...params })}`;
const ready = '.map:not([hidden]), .state';
const chosen = (page) => page.locator('.chosen').innerText();

// colours counts the pixels of the canvas that are not its ground.
const painted = (page) => page.locator('canvas').evaluate((canvas) => {
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const seen = new Set();
  for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 180) seen.add(`${data[i] >> 4},${data[i + 1] >> 4},${data[i + 2] >> 4}`);
  return seen.size;
});

test('the sample lies on a map, coloured by its subjects, and a question lands on it', async (t) => {
  const page = await visit(t, at({ by: 'subject' }), { ready });
  await page.getByText(/ of [\d,]+ passages\. The axes show [\d.]+% and [\d.]+% of the variance\./).waitFor();
  const legend = page.getByRole('list', { name: 'Colours' }).getByRole('listitem');
  assert.ok(await legend.count() >= 8, await page.getByRole('list', { name: 'Colours' }).innerText());
  await page.waitForTimeout(200);
  assert.ok(await painted(page) >= 5, 'the points have their colours');
  await page.fill('#map-query', 'my soup tastes like seawater');
  await page.getByRole('heading', { name: 'Nearest to the question' }).waitFor();
  const near = page.locator('.near li');
  assert.equal(await near.count(), 10);
  assert.match(await near.first().innerText(), /soup|salt/i);
  assert.equal(new URL(page.url()).searchParams.get('q'), 'my soup tastes like seawater');
  await near.first().getByRole('button').click();
  assert.match(await chosen(page), /subject: cooking/);
  await screenshot(page, 'map');
  await page.getByRole('button', { name: 'Open', exact: true }).click();
  await page.waitForSelector('.chosen .reader');
  await page.reload();
  await page.getByRole('heading', { name: 'Nearest to the question' }).waitFor();
  assert.equal(await page.inputValue('#map-by'), 'subject');
  await page.selectOption('#map-by', 'minutes');
  await page.waitForFunction(() => document.querySelectorAll('.legend li').length === 3);
  await page.waitForTimeout(200);
  await screenshot(page, 'map-numbers');
});

test('every value can be picked out, also those beyond the eighth', async (t) => {
  const kinds = Array.from({ length: 12 }, (_, i) => `<b>kind</b> ${String(i).padStart(2, '0')}`); // twelve, the first most often
  const kept = kinds.flatMap((kind, i) => Array.from({ length: 13 - i }, (_, k) => ({ id: `k${i}-${k}`, text: `Loaf ${k} of harbour ${i}.`, metadata: { kind } })));
  const name = await collection(t, [...kept, { id: 'without', text: 'A tide without a kind.' }]);
  for (const colorScheme of ['light', 'dark']) {
    const page = await visit(t, at({ collection: name, by: 'kind' }), { ready, colorScheme, expected: [/willReadFrequently/] }); // of painted, which reads twice
    const legend = page.getByRole('list', { name: 'Colours' });
    const value = (label) => legend.getByRole('button', { name: label });
    assert.equal(await legend.getByRole('button').count(), 8);
    assert.match(await legend.innerText(), /none\s*1/);
    const more = legend.getByRole('combobox', { name: 'Other values' });
    assert.deepEqual(await more.locator('option').allTextContents(), ['4 more: 14', ...kinds.slice(8).map((kind, i) => `${kind}: ${5 - i}`)]);
    await page.waitForTimeout(200);
    const all = await painted(page);
    assert.ok(all >= 8, `${all} colours`);

    await value(kinds[0]).click();
    assert.equal(await value(kinds[0]).getAttribute('aria-pressed'), 'true');
    assert.equal(new URL(page.url()).searchParams.get('only'), kinds[0]);
    assert.ok(await painted(page) < all / 2, 'the others are faint');
    await page.locator('canvas').focus();
    for (const key of ['ArrowRight', 'ArrowLeft', 'ArrowUp', 'ArrowDown']) {
      await page.keyboard.press(key);
      assert.match(await chosen(page), /kind: <b>kind<\/b> 00/, 'only what is picked is reached');
    }
    await page.reload();
    await page.waitForSelector(ready);
    assert.equal(await value(kinds[0]).getAttribute('aria-pressed'), 'true');
    await value(kinds[0]).focus();
    await page.keyboard.press('Enter');
    assert.equal(await value(kinds[0]).getAttribute('aria-pressed'), 'false');
    assert.ok(await value(kinds[0]).evaluate((button) => button === document.activeElement), 'the focus stays');
    assert.equal(new URL(page.url()).searchParams.get('only'), null);

    await more.selectOption(kinds[11]);
    assert.equal(new URL(page.url()).searchParams.get('only'), kinds[11]);
    assert.equal(await legend.locator('[aria-pressed=true]').count(), 0);
    await screenshot(page, `map-picked-${colorScheme}`);
    await page.locator('canvas').focus();
    await page.keyboard.press('ArrowRight');
    assert.match(await chosen(page), /kind 11|<\/b> 11/);
    await page.goBack();
    await page.waitForFunction(() => !location.search.includes('only'));
    await page.waitForFunction(() => document.querySelector('.legend select').value === '');
    await page.selectOption('#map-by', '');
    await page.waitForFunction(() => document.querySelectorAll('.legend li').length === 0);
  }
});

test('points are chosen with a pointer and with keys', async (t) => {
  const name = await collection(t, Array.from({ length: 40 }, (_, i) => ({ id: `n${i}`, title: `<i>Note ${i}</i>`, text: i % 2 ? `Yeast makes loaf ${i} rise.` : `The tide at harbour ${i} comes in.`, metadata: { about: i % 2 ? 'bread' : '<b>sea</b>' } })));
  const page = await visit(t, at({ collection: name }), { ready });
  assert.equal(await page.inputValue('#map-by'), 'about', 'a key that makes groups is chosen');
  await page.waitForTimeout(200);
  await page.locator('canvas').focus();
  await page.keyboard.press('ArrowRight');
  const first = await chosen(page);
  assert.match(first, /<i>Note \d+<\/i>/);
  const seen = new Set([first]);
  for (const key of ['ArrowLeft', 'ArrowUp', 'ArrowRight', 'ArrowDown', 'ArrowRight', 'ArrowUp']) {
    await page.keyboard.press(key);
    seen.add(await chosen(page));
  }
  assert.ok(seen.size > 2, [...seen].join('; '));
  await page.keyboard.press('Enter');
  await page.waitForSelector('.chosen .reader mark');
  assert.equal(await page.locator('main i, .legend b').count(), 0, 'no markup came of it');
  await page.selectOption('#map-sample', '500');
  await page.waitForFunction(() => location.search.includes('sample=500'));
});

test('an empty collection has no map', async (t) => {
  const page = await visit(t, at({ collection: await collection(t) }), { ready: '.state' });
  await page.getByText('Nothing here yet').waitFor();
  assert.ok(await page.locator('canvas').isHidden());
});
