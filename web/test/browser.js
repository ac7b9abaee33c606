// A real Chromium with an empty profile of its own, and without the requests it makes by itself.

import { after } from 'node:test';
import { chromium } from 'playwright-core';

const args = [
  '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync',
  '--no-first-run', '--disable-default-apps',
];

let browser;

// newContext answers a window that shares nothing with others. options are those of a context: viewport, colorScheme…
export async function newContext(options = {}) {
  browser ??= await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', headless: true, args });
  return browser.newContext({ viewport: { width: 1100, height: 800 }, locale: 'en-GB', ...options });
}

after(() => browser?.close());
