// How it looks and reads: naughty strings, phones, dark mode, contrast, and what a screen reader is told.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collection, documents, screenshot, visit } from './harness.js';

const at = (name, q) => `/?${new URLSearchParams(q ? { collection: name, q } : { collection: name })}`;

const naughty = [
  '<script>window.hurt=1</script>', '<img src=x onerror="window.hurt=1">', '"><svg onload=window.hurt=1>', '{{7*7}}${7*7}',
  'javascript:window.hurt=1', '\u202eright to left override', 'الاختبار العربي', 'Ṱ̺̺o͞ ̷i̲̬n̴v̨o͘ke', '👩‍👩‍👧‍👦🏳️‍🌈', 'x'.repeat(3000),
];

test('naughty strings are shown as they are and do nothing', async (t) => {
  const name = await collection(t, naughty.map((text, i) => ({
    id: `${i}-${text.slice(0, 40)}`, title: text, text: `${text} lighthouse`, url: `javascript:window.hurt=1//${i}`, metadata: { [text.slice(0, 60)]: text.slice(0, 200) },
  })));
  for (const viewport of [{ width: 1100, height: 800 }, { width: 360, height: 740 }]) {
    const page = await visit(t, at(name, 'lighthouse'), { viewport });
    const shown = await page.locator('.title').evaluateAll((all) => all.map((e) => e.textContent));
    assert.deepEqual(shown.sort(), [...naughty].sort());
    for (const title of await page.locator('.title').all()) await title.click();
    await page.waitForFunction((n) => document.querySelectorAll('.reader').length === n, naughty.length);
    assert.equal(await page.evaluate(() => window.hurt), undefined);
    assert.equal(await page.locator('main script, main svg, main img, main a').count(), 0, 'no markup came of them');
    await noSideways(page);
    await screenshot(page, `naughty-${viewport.width}`);
  }
});

test('only http and https addresses are links', async (t) => {
  const page = await visit(t, at(await collection(t, documents), 'slugs'));
  const link = page.locator('.hit a');
  assert.equal(await link.count(), 1);
  assert.equal(await link.getAttribute('href'), 'https://example.org/slugs');
  assert.match(await link.getAttribute('rel'), /noopener/);
});

const noSideways = async (page) => {
  const [wide, window] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
  assert.ok(wide <= window, `${wide} px in a window of ${window}`);
};

test('it fits a phone, and fingers', async (t) => {
  const name = await collection(t, documents);
  const page = await visit(t, at(name), { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 });
  await noSideways(page);
  await page.fill('#query', 'slugs');
  await page.waitForSelector('.hit');
  await noSideways(page);
  await screenshot(page, 'phone-hits');
  await page.tap('.title');
  await page.waitForSelector('.reader');
  await page.tap('#add-toggle');
  await page.fill('#filter', 'year>2000');
  await page.waitForSelector('#filter-clear:not([hidden])');
  await noSideways(page);
  const small = await page.evaluate(() => [...document.querySelectorAll('button, select, input:not(.hidden, label > input), textarea, summary, label.button, label:has(> input), a')]
    .map((e) => ({ name: e.id || e.className || e.textContent, box: e.getBoundingClientRect() }))
    .filter(({ box }) => box.width > 0 && box.height < 43.5).map(({ name, box }) => `${name} ${box.height}`));
  assert.deepEqual(small, [], 'targets are 44 px high');
  await screenshot(page, 'phone-add');
});

test('many values beside a hit leave its actions in sight', async (t) => {
  const name = await collection(t, [{ id: 'a', text: 'a lighthouse', metadata: Object.fromEntries([...'abcdefg'].map((key) => [`key ${key}`, `some value ${key}`])) }]);
  for (const width of [1280, 1100, 900, 700]) {
    const page = await visit(t, at(name, 'lighthouse'), { viewport: { width, height: 800 } });
    await noSideways(page);
  }
});

// contrasts answers every visible text whose colour is too near to what it stands on.
const contrasts = (page) => page.evaluate(() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.slice(0, 3).map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const colour = rgba(getComputedStyle(e).backgroundColor);
      if (colour[3] === 1) return colour;
    }
    return [255, 255, 255, 1];
  };
  const poor = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !e.checkVisibility() || e.closest('.hidden, noscript, script')) continue;
    const [a, b] = [light(rgba(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) poor.push(`${e.className || e.tagName} ${ratio.toFixed(2)}: ${walker.currentNode.data.trim().slice(0, 30)}`);
  }
  return poor;
});

for (const colorScheme of ['light', 'dark']) {
  test(`${colorScheme} mode has its colours, and they can be read`, async (t) => {
    const page = await visit(t, at(await collection(t, documents), 'slugs'), { colorScheme });
    await page.click('.title');
    await page.waitForSelector('.reader');
    await page.click('#add-toggle');
    const paper = await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor.match(/\d+/g).map(Number));
    assert.ok(colorScheme === 'dark' ? Math.max(...paper) < 60 : Math.min(...paper) > 230, `the background is ${paper}`);
    assert.deepEqual(await contrasts(page), []);
    await screenshot(page, colorScheme);
    await page.fill('#filter', 'nonsense');
    await page.waitForSelector('#filter-error:not(:empty)');
    await page.waitForTimeout(100);
    assert.deepEqual((await contrasts(page)).filter((text) => text.includes('filter-error') || text.startsWith('wrong')), []);
  });
}

test('motion stops where it is not wanted', async (t) => {
  const page = await visit(t, at(await collection(t)), { reducedMotion: 'reduce' });
  const seconds = await page.evaluate(() => {
    document.getElementById('busy').hidden = false;
    return getComputedStyle(document.getElementById('busy'), '::after').animationDuration;
  });
  assert.equal(seconds, '0s');
});

test('a screen reader finds names, roles and states', async (t) => {
  const page = await visit(t, at(await collection(t, documents), 'slugs'));
  await page.click('#add-toggle');
  const faults = await page.evaluate(() => {
    const found = [];
    const named = (e) => e.getAttribute('aria-label') || e.labels?.[0]?.textContent.trim() || e.textContent.trim()
      || (e.getAttribute('aria-labelledby') && document.getElementById(e.getAttribute('aria-labelledby'))?.textContent.trim());
    for (const e of document.querySelectorAll('button, a, input, textarea, select, dialog, section, progress')) if (!named(e)) found.push(`no name: ${e.outerHTML.slice(0, 80)}`);
    for (const e of document.querySelectorAll('img')) if (!e.hasAttribute('alt')) found.push('img without alt');
    for (const attribute of ['aria-controls', 'aria-labelledby', 'aria-describedby', 'for']) {
      for (const e of document.querySelectorAll(`[${attribute}]`)) {
        for (const id of e.getAttribute(attribute).split(' ')) if (!document.getElementById(id)) found.push(`${attribute} names nothing: ${id}`);
      }
    }
    const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
    if (new Set(ids).size !== ids.length) found.push('an id stands there twice');
    for (const e of document.querySelectorAll('ol, ul')) if ([...e.children].some((child) => child.tagName !== 'LI')) found.push('a list holds something else');
    for (const e of document.querySelectorAll('[tabindex]')) if (e.tabIndex > 0) found.push('a tabindex over 0');
    const levels = [...document.querySelectorAll('h1, h2, h3')].filter((e) => e.checkVisibility()).map((e) => Number(e.tagName[1]));
    if (levels[0] !== 1 || levels.some((level, i) => i > 0 && level > levels[i - 1] + 1)) found.push(`headings ${levels}`);
    if (document.querySelectorAll('main').length !== 1 || !document.documentElement.lang || !document.title) found.push('main, lang or title');
    return found;
  });
  assert.deepEqual(faults, []);
  assert.equal(await page.locator('#status[role=status]').innerText().then((text) => text.startsWith('1–3 of 3')), true);
  const list = page.getByRole('region', { name: 'Results' }).getByRole('list').first();
  assert.equal(await list.locator(':scope > li').count(), 3);
  const title = page.getByRole('button', { name: 'Slugs', exact: true });
  assert.equal(await title.getAttribute('aria-expanded'), 'false');
  await title.click();
  assert.equal(await title.getAttribute('aria-expanded'), 'true');
  await page.getByRole('region', { name: 'Full text' }).waitFor();
  await page.locator('.delete').first().click();
  await page.getByRole('alertdialog', { name: 'Delete this document?' }).waitFor();
});

test('facets stand beside the hits where there is room, and fold where there is none', async (t) => {
  const page = await visit(t, at(await collection(t, documents), 'slugs'), { viewport: { width: 400, height: 800 }, ready: '#facets:not([hidden])' });
  const first = page.locator('.choice').first();
  assert.ok(await first.isHidden());
  await page.getByText('Narrow down').click();
  assert.ok(await first.isVisible());
  await page.getByText('Narrow down').click();
  await page.setViewportSize({ width: 1200, height: 800 });
  await first.waitFor();
  const [facet, hit] = await Promise.all([first.boundingBox(), page.locator('.hit').first().boundingBox()]);
  assert.ok(facet.x + facet.width <= hit.x, 'beside them');
});

test('a view that cannot be loaded says so', async (t) => {
  const page = await visit(t, at(await collection(t, documents), 'slugs'), { expected: [/ERR_|Failed to/] });
  await page.route('**/assets/documents.js', (route) => route.abort('connectionrefused'));
  await page.getByRole('link', { name: 'Documents' }).click();
  await page.getByText('The server does not answer').waitFor();
  await page.unroute('**/assets/documents.js');
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.waitForSelector('#documents .hit');
  await page.getByRole('link', { name: 'Search', exact: true }).click();
  await page.waitForSelector('.state');
});
