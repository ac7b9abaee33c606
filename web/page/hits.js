// One hit: title, relevance, passage, what is known about the document, and the document itself when it is opened.

import * as api from './api.js';
import { button, h } from './dom.js';
import { reader } from './reader.js';

const FEW_CHIPS = 8;
let ids = 0;

export const titleOf = (hit) => hit.title.trim() || hit.document_id;

// hitElement makes the list item. actions are remove(hit, item), filterBy(key, value), like(hit) and why(hit).
export function hitElement(hit, collection, actions) {
  const id = `hit-${++ids}`;
  const open = h('button', { type: 'button', class: 'title', 'aria-expanded': 'false', 'aria-controls': id, dir: 'auto' }, titleOf(hit));
  const body = h('div', { id, class: 'body' }, where(hit.location), passage(hit));
  const item = h('li', { class: 'hit' },
    h('div', { class: 'head' }, h('h3', null, open), relevance(hit.relevance)),
    body,
    h('div', { class: 'foot' }, chips(hit.metadata, actions.filterBy), link(hit.url), h('div', { class: 'acts' },
      act('More like this', `More like ${titleOf(hit)}`, () => actions.like(hit)),
      act('Why', `Why ${titleOf(hit)} stands here`, () => actions.why(hit)),
      act('Delete', `Delete ${titleOf(hit)}`, () => actions.remove(hit, item), 'delete'))));
  open.addEventListener('click', () => toggle(open, body, hit, collection));
  return item;
}

function relevance(value) {
  const percent = `${Math.round(value * 100)}%`;
  const fill = h('span', { class: 'fill' });
  fill.style.width = percent; // through the object model, which the page's policy allows
  return h('div', { class: value < 0.5 ? 'relevance low' : 'relevance' },
    h('span', { class: 'bar', 'aria-hidden': 'true' }, fill), h('span', { class: 'hidden' }, 'Relevance '), h('span', { class: 'percent' }, percent));
}

export const act = (text, label, onclick, kind = '') => h('button', { type: 'button', class: `plain act ${kind}`, 'aria-label': label, onclick }, text);

// where says on which page and under which headings a passage stands.
function where({ page, headings = [] } = {}) {
  const parts = [page && `page ${page}`, ...headings].filter(Boolean);
  return parts.length > 0 && h('p', { class: 'quiet where', dir: 'auto' }, parts.join(' › '));
}

const FAR = 160; // characters before the first highlight, from which on they are left out of a passage that is cut off

// marked is the text of a hit, with its highlights.
function marked({ text, highlights = [] }) {
  const parts = [];
  let rest = text;
  for (const { text: sentence } of highlights) { // offsets count bytes, and these are the same in order
    const at = rest.indexOf(sentence);
    if (at < 0) continue;
    const before = rest.slice(0, at);
    parts.push(...(parts.length === 0 && at > FAR ? [h('span', { class: 'lead' }, before), h('span', { class: 'gap', 'aria-hidden': 'true' }, '… ')] : [before]));
    parts.push(h('mark', { class: sentence.trim() === text.trim() && 'all' }, sentence));
    rest = rest.slice(at + sentence.length);
  }
  return [...parts, rest];
}

// highlight shows the highlights of a hit that is in the page already.
export function highlight(item, hit) {
  item.querySelector('.passage').replaceChildren(...marked(hit));
}

function passage(hit) {
  const text = h('p', { class: 'passage', dir: 'auto' }, marked(hit));
  const more = button('more', () => {
    const whole = text.classList.toggle('whole');
    more.textContent = whole ? 'less' : 'more';
    more.setAttribute('aria-expanded', String(whole));
  }, 'plain more');
  more.setAttribute('aria-expanded', 'false');
  more.hidden = true;
  return [text, more];
}

// offerMore shows "more" where a passage does not fit. It needs the layout, so it runs when hits are in the page.
export function offerMore(list) {
  const passages = [...list.querySelectorAll('.passage:not(.whole)')];
  const cutOff = passages.map((p) => p.scrollHeight > p.clientHeight + 1 || p.querySelector('.lead') !== null);
  passages.forEach((p, i) => { p.nextElementSibling.hidden = !cutOff[i]; });
}

export function chips(metadata, filterBy) {
  const pairs = Object.entries(metadata ?? {}).flatMap(([key, value]) => [value].flat().map((one) => [key, one]));
  const list = h('ul', { class: 'chips', role: 'list', 'aria-label': 'Metadata' });
  const put = (some) => list.append(...some.map(([key, value]) => h('li', null, chip(key, value, filterBy))));
  put(pairs.slice(0, FEW_CHIPS));
  if (pairs.length > FEW_CHIPS) {
    const rest = h('li', null, button(`+${pairs.length - FEW_CHIPS}`, () => {
      rest.remove();
      put(pairs.slice(FEW_CHIPS));
      list.children[FEW_CHIPS].firstChild.focus();
    }, 'plain'));
    list.append(rest);
  }
  return pairs.length > 0 && list;
}

function chip(key, value, filterBy) {
  const label = `${key}: ${value}`;
  return h('button', { type: 'button', class: 'chip', title: `Only where ${label}`, 'aria-label': `Only where ${label}`, onclick: () => filterBy(key, value) },
    h('span', { dir: 'auto' }, h('b', null, key), ` ${value}`));
}

// link shows an address that can be followed; anything but http and https stays text.
export function link(address) {
  if (!address) return null;
  let url = null;
  try {
    url = new URL(address);
  } catch { /* not an absolute address */ }
  if (!url || !/^https?:$/.test(url.protocol)) return h('span', { class: 'quiet link' }, address);
  return h('a', { class: 'link', href: url.href, rel: 'noopener noreferrer', target: '_blank', title: address },
    url.host + (url.pathname === '/' ? '' : url.pathname), h('span', { class: 'hidden' }, ' (opens a new tab)'));
}

async function toggle(open, body, hit, collection) {
  const opened = open.getAttribute('aria-expanded') !== 'true';
  open.setAttribute('aria-expanded', String(opened));
  body.querySelector('.reader, .failed')?.remove();
  body.classList.toggle('open', false);
  if (!opened) return;
  body.setAttribute('aria-busy', 'true');
  const still = () => open.getAttribute('aria-expanded') === 'true' && !body.querySelector('.reader, .failed');
  try {
    const { element, show } = reader(await api.read(collection, hit.document_id), hit.chunk);
    if (!still()) return;
    body.append(element);
    body.classList.add('open');
    show();
  } catch (error) {
    if (still()) body.append(h('p', { class: 'wrong failed', role: 'alert' }, error.text ?? error.message));
  } finally {
    body.removeAttribute('aria-busy');
  }
}
