// Measures the page: first paint, and how soon hits answer each letter that is typed into a large collection.
// usage: node measure.js URL [DOCUMENTS]      fills the collection "page-measure" first, unless it has as many documents

import fs from 'node:fs';
import http from 'node:http';
import { chromium } from 'playwright-core';

const [server, wanted = '100000'] = process.argv.slice(2);
const COLLECTION = 'page-measure';
const VISITS = 20;
const QUESTIONS = ['lighthouse keeper in the storm', 'why does bread rise', 'restore the database', 'slugs in the garden', 'how far away is the moon', 'payment of the rent'];

let seed = 1;
const random = () => { // xorshift: the same documents each time
  seed ^= seed << 13;
  seed ^= seed >>> 17;
  seed ^= seed << 5;
  return (seed >>> 0) / 2 ** 32;
};

const call = async (method, path, body, type = 'application/json') => (await fetch(server + path, { method, body, headers: { 'Content-Type': type } })).json();

// A document is five sentences of the sample corpus, and its vector the direction of theirs: only the sentences take a model, and words and
// vectors go together, as they do in real texts.
async function fill(n) {
  const corpus = fs.readFileSync(new URL('../../fixtures/sample/corpus.jsonl', import.meta.url), 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  const sentences = corpus.flatMap((doc) => doc.text.match(/[^.!?]+[.!?]+/g).map((text) => ({ text: text.trim(), subject: doc.metadata.subject })));
  for (let i = 0; i < sentences.length; i += 200) {
    const part = sentences.slice(i, i + 200);
    const answer = await call('POST', '/v1/embeddings', JSON.stringify({ input: part.map((s) => s.text), encoding_format: 'float' }));
    answer.data.forEach((one, k) => { part[k].vector = one.embedding; });
  }
  const pick = () => sentences[Math.floor(random() * sentences.length)];
  await call('POST', '/collections', JSON.stringify({ name: COLLECTION }));
  for (let i = 0; i < n; i += 1000) {
    const lines = Array.from({ length: 1000 }, (_, k) => {
      const said = Array.from({ length: 5 }, pick);
      const vector = said[0].vector.map((_, at) => Number(said.reduce((sum, s) => sum + s.vector[at], 0).toFixed(5)));
      const metadata = { subject: said[0].subject, year: 1990 + Math.floor(random() * 36), draft: random() < 0.1, ref: `r${i + k}` };
      return JSON.stringify({ id: `d${i + k}`, title: `Document ${i + k}`, text: said.map((s) => s.text).join(' '), vector, metadata });
    });
    await call('POST', `/collections/${COLLECTION}/documents?wait=600`, lines.join('\n'), 'application/x-ndjson');
  }
}

const quantile = (list, q) => list.sort((a, b) => a - b)[Math.min(list.length - 1, Math.ceil(q * list.length) - 1)];
const told = (name, list) => console.log(`${name}: p50 ${quantile(list, 0.5).toFixed(1)} ms, p95 ${quantile(list, 0.95).toFixed(1)} ms, of ${list.length}`);

const have = (await call('GET', `/collections/${COLLECTION}`)).documents ?? 0;
if (have < Number(wanted)) await fill(Number(wanted));
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'] });
const context = await browser.newContext();
const opened = await context.newPage(); // a browser that somebody uses has a window already

// First paints, with nothing cached: of the page, of the same without its script, and of one that says Hello, which is the least that this
// browser and this machine take.
const html = await (await fetch(server)).text();
const others = { '/hello': '<!doctype html><title>Hello</title><p>Hello', '/still': html.replace(/<script>[^]*<\/script>/, '') };
const beside = http.createServer(({ url }, response) => response.writeHead(url in others ? 200 : 404, { 'Content-Type': 'text/html' }).end(others[url])).listen(0);
const visits = { 'a page that says Hello': '/hello', 'the page without its script': '/still', 'the page': '' };
const paints = {};
for (let i = 0; i < VISITS; i++) {
  for (const [name, path] of Object.entries(visits)) {
    const page = await context.newPage();
    const devtools = await context.newCDPSession(page);
    await devtools.send('Network.clearBrowserCache');
    await devtools.detach();
    await page.waitForTimeout(300); // until the one before it is closed
    await page.goto(path ? `http://127.0.0.1:${beside.address().port}${path}` : `${server}/?collection=${COLLECTION}`, { waitUntil: 'commit' });
    await page.waitForTimeout(400); // nothing is asked of a page that is being drawn
    const painted = () => performance.getEntriesByName('first-contentful-paint')[0]?.startTime;
    (paints[name] ??= []).push(await (await page.waitForFunction(painted)).jsonValue());
    if (!path) await page.waitForSelector('.state');
    await page.close();
  }
}
for (const [name, list] of Object.entries(paints)) told(`first contentful paint of ${name}`, list);
beside.close();
await opened.close();

const page = await browser.newPage();
await page.goto(`${server}/?collection=${COLLECTION}`);
await page.waitForSelector('.state');
await page.evaluate(() => performance.setResourceTimingBufferSize(10_000));
// From a letter to the frame that has its hits: what somebody who types waits for.
await page.evaluate(() => {
  window.letters = [];
  let typed = 0;
  document.getElementById('query').addEventListener('input', () => { typed = performance.now(); }, { capture: true });
  new MutationObserver(() => {
    if (typed === 0) return;
    const since = typed;
    typed = 0;
    requestAnimationFrame(() => setTimeout(() => window.letters.push(performance.now() - since)));
  }).observe(document.getElementById('hits'), { childList: true });
});
const answers = [];
page.on('requestfinished', async (request) => {
  if (!request.url().endsWith('/search') || request.postDataJSON().highlight || request.postDataJSON().facets) return; // not highlights and facets, which nobody waits for
  answers.push(request.timing().responseEnd); // since the request was made
});
for (const question of QUESTIONS) {
  await page.fill('#query', '');
  await page.locator('#query').pressSequentially(question, { delay: 260 }); // slower than the page's pause, so that every letter is asked
  await page.waitForTimeout(500);
}
const letters = QUESTIONS.join('').length;
told(`answer to a letter, ${wanted} documents, ${letters} letters`, answers);
told('from a letter to its hits on the screen', await page.evaluate(() => window.letters));
for (const path of ['fields', 'map', 'map', 'map?q=why+does+bread+rise', 'map?sample=5000']) {
  const start = performance.now();
  await call('GET', `/collections/${COLLECTION}/${path}`);
  console.log(`GET /${path}: ${(performance.now() - start).toFixed(0)} ms`);
}
await browser.close();
