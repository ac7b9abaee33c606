// axe-core looks at each view in both themes and at phone width, and finds nothing serious.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { collection, documents, screenshot, visit } from './harness.js';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const views = [
  { name: 'search', params: { q: 'slugs' }, ready: '#facets:not([hidden])', then: (page) => page.locator('.title').first().click() },
  { name: 'documents', params: { view: 'documents' }, ready: '#documents .hit', then: async (page) => { await page.locator('.title').first().click(); await page.waitForSelector('.inspector'); } },
  { name: 'tasks', params: { view: 'tasks', task: 'answer' }, ready: '.task', then: async (page) => {
    await page.fill('#task-question', 'what keeps slugs from lettuce?');
    await page.getByRole('button', { name: 'Answer' }).click();
    await page.waitForSelector('.citations');
    await page.locator('summary', { hasText: 'curl' }).click();
  } },
  { name: 'providers', params: { view: 'providers' }, ready: '.usage figure', then: async (page) => {
    await page.getByRole('button', { name: 'Add a provider' }).click();
    for (const summary of await page.locator('.usage summary').all()) await summary.click();
  } },
  { name: 'map', params: { view: 'map', q: 'slugs' }, ready: '.near li', then: (page) => page.locator('.near button').first().click() },
];

for (const { name, params, ready, then } of views) {
  test(`axe finds nothing serious in the ${name} view`, async (t) => {
    const filled = await collection(t, documents);
    for (const [kind, options] of Object.entries({
      light: { colorScheme: 'light' }, dark: { colorScheme: 'dark' }, phone: { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true },
    })) {
      // bypassCSP is for the test alone: it puts axe into the page.
      const page = await visit(t, `/?${new URLSearchParams({ collection: filled, ...params })}`, { ...options, ready, bypassCSP: true });
      await then?.(page);
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
      const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
      assert.deepEqual(serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`), [], kind);
      const [wide, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(wide <= window, `${kind}: ${wide} px in a window of ${window}`);
      await screenshot(page, `${name}-${kind}`);
      await page.context().close();
    }
  });
}
