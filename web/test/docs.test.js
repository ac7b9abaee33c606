// The reference of the API at /docs: with and without JavaScript, in both themes, on a phone, with keys, and what axe says.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { screenshot, server, visit } from './harness.js';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const ready = '.operation';
const phone = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };

const noSideways = async (page, kind) => {
  const [wide, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(wide <= window, `${kind}: ${wide} px in a window of ${window}`);
};

for (const [kind, options] of Object.entries({ light: { colorScheme: 'light' }, dark: { colorScheme: 'dark' }, phone })) {
  test(`axe finds nothing in the reference: ${kind}`, async (t) => {
    // bypassCSP is for the test alone: it puts axe into the page.
    const page = await visit(t, '/docs', { ...options, ready, bypassCSP: true });
    await screenshot(page, `docs-${kind}`);
    await page.evaluate(() => { for (const e of document.querySelectorAll('#search details, #schema-Filter')) e.open = true; });
    await noSideways(page, kind);
    await page.evaluate(() => { location.hash = '#search'; });
    await screenshot(page, `docs-${kind}-search`);
    // The page is long: what is not of one tag is much the same, and is left out.
    await page.evaluate(() => { for (const e of document.querySelectorAll('.group:not(#tag-search), .schema:not(#schema-Filter)')) e.remove(); });
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
    assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).slice(0, 5).join(' | ')}`), []);
  });
}

test('the reference is found from the page, and filtered with keys', async (t) => {
  const page = await visit(t);
  await page.getByRole('link', { name: 'API reference' }).click();
  await page.waitForSelector(ready);
  const all = await page.locator('.operation').count();
  await page.keyboard.press('/');
  await page.keyboard.type('post search');
  await page.waitForFunction((n) => document.querySelectorAll('.operation:not([hidden])').length < n / 4, all);
  assert.match(await page.locator('#found').innerText(), /^\d+ operations$/);
  assert.ok(await page.locator('#search').isVisible());
  assert.ok(await page.locator('#readJob').isHidden());
  assert.equal(await page.locator('.contents li:visible a[href="#readJob"]').count(), 0);
  await screenshot(page, 'docs-filtered');
  await page.keyboard.press('Escape');
  assert.equal(await page.locator('.operation:visible').count(), all);
});

test('a link leads to what is folded or filtered away', async (t) => {
  const page = await visit(t, '/docs#schema-Filter', { ready });
  assert.ok(await page.locator('#schema-Filter .prose').first().isVisible());
  await page.fill('#find', 'nothing is called so');
  assert.equal(await page.locator('#found').innerText(), '0 operations');
  await page.evaluate(() => { location.hash = '#readJob'; });
  await page.locator('#readJob').waitFor();
  await page.fill('#find', 'post search');
  await page.locator('#search a[href="#schema-SearchRequest"]').click();
  await page.locator('#schema-SearchRequest .rows').waitFor();
});

test('a command has this server in it, is copied, and works', async (t) => {
  const page = await visit(t, '/docs', { ready, permissions: ['clipboard-read', 'clipboard-write'] });
  const box = page.locator('#listModels .try');
  await box.getByRole('button', { name: 'Copy' }).click();
  await box.getByRole('button', { name: 'Copied' }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), `curl -s '${server}/models'`);
});

test('it can be read without JavaScript', async (t) => {
  const page = await visit(t, '/docs', { ready, javaScriptEnabled: false });
  assert.ok(await page.locator('#search').isVisible());
  assert.ok(await page.locator('#find').isHidden());
  await page.getByRole('navigation', { name: 'Contents' }).getByRole('link', { name: 'POST /search', exact: true }).click();
  assert.ok(page.url().endsWith('#search'));
});

test('on a phone what is touched is high enough', async (t) => {
  const page = await visit(t, '/docs', { ...phone, ready });
  await noSideways(page, 'phone');
  const small = await page.evaluate(() => [...document.querySelectorAll('button, input, summary, .contents a, .brief a')]
    .map((e) => ({ name: e.textContent, box: e.getBoundingClientRect() })).filter(({ box }) => box.width > 0 && box.height < 43.5).map(({ name, box }) => `${name} ${box.height}`));
  assert.deepEqual(small, []);
});
