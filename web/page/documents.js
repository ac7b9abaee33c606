// The documents view: what a collection holds, page by page, and each document with its chunks.

import * as address from './address.js';
import * as api from './api.js';
import { openAdd } from './add.js';
import { confirmDelete } from './confirm.js';
import { button, h, number, plural } from './dom.js';
import { FilterError, parseFilter, withCondition } from './filter.js';
import { act, chips, link, titleOf } from './hits.js';
import { inspector } from './inspector.js';
import { jobList } from './jobs.js';
import { modelLine } from './model.js';
import { failure, nothingYet } from './states.js';

const PAGE = 25;
const PAUSE = 250; // ms without a key before the list follows the filter

let page = null;
let parts = null; // elements of the view
let jobs = null;
let model = null;
let running = new AbortController();
let timer = 0;
let at = { filter: '', cursor: '', from: 1 }; // what is shown
let before = []; // the places of the pages before this one

export function open(context, params) {
  if (page === null) build(context);
  page = context;
  at = { filter: params.filter ?? '', cursor: params.cursor ?? '', from: Math.max(1, Math.trunc(Number(params.from)) || 1) };
  before = before.filter(({ from }) => from < at.from);
  parts.filter.value = at.filter;
  load();
  model.close();
  model.look();
  jobs.follow(page.collection());
}

export function close() {
  running.abort();
  clearTimeout(timer);
  jobs.stop();
  page = null;
}

export function changed() {
  jobs.follow(page.collection());
  if (!parts.list.contains(document.activeElement) && !parts.list.querySelector('.inspector')) load();
}

function build({ root }) {
  parts = {
    filter: h('input', { id: 'list-filter', type: 'text', class: 'mono', 'data-box': true, placeholder: 'subject:cooking year>=2020', spellcheck: 'false', autocapitalize: 'off', 'aria-describedby': 'list-error' }),
    error: h('p', { class: 'wrong', id: 'list-error', 'aria-live': 'polite' }),
    status: h('p', { class: 'quiet', role: 'status', id: 'list-status' }),
    removeAll: button('Delete all of these', removeMatching, 'button danger'),
    list: h('ol', { id: 'documents', role: 'list' }),
    previous: button('Previous', goBack),
    next: button('Next', null),
    state: h('div'),
  };
  parts.removeAll.hidden = true;
  parts.pages = h('nav', { class: 'row end', 'aria-label': 'Pages' }, parts.previous, parts.next);
  parts.filter.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(filtered, PAUSE);
  });
  parts.filter.addEventListener('blur', address.settle);
  model = modelLine(() => page?.collection() ?? 'default', () => jobs.follow(page.collection()));
  jobs = jobList(() => { if (page && parts.list.childElementCount === 0) load(); }, () => { if (page) changed(); page?.refresh(); if (page) model.look(); });
  root.replaceChildren(h('h2', { class: 'hidden' }, 'Documents'), jobs.element,
    h('div', { class: 'tool' }, h('label', { for: 'list-filter' }, 'Filter', parts.filter), parts.removeAll), parts.error,
    parts.status, parts.state, parts.list, parts.pages, model.element);
}

const remember = () => page.remember({ filter: at.filter, cursor: at.cursor, from: at.from > 1 ? at.from : '' });

function filtered() {
  at = { filter: parts.filter.value, cursor: '', from: 1 };
  before = [];
  remember();
  load();
}

async function load() {
  running.abort();
  const mine = (running = new AbortController());
  parts.list.setAttribute('aria-busy', 'true');
  try {
    const filter = parseFilter(at.filter);
    const answer = await api.list(page.collection(), { filter, cursor: at.cursor, limit: PAGE }, mine.signal);
    if (mine.signal.aborted) return;
    wrong('');
    show(answer, filter);
  } catch (error) {
    if (mine.signal.aborted || error.name === 'AbortError') return;
    if (error instanceof FilterError || error.param?.startsWith('filter')) wrong(error.param ? `${error.param.replace(/^filter\.?/, '')} ${error.message}`.trim() : error.message);
    else {
      show({ documents: [], total: 0, next_cursor: null }, '');
      parts.state.replaceChildren(failure(error, load));
      parts.status.textContent = '';
    }
  } finally {
    if (mine === running) parts.list.removeAttribute('aria-busy');
  }
}

function wrong(text) {
  parts.error.textContent = text;
  parts.filter.setAttribute('aria-invalid', String(text !== ''));
}

function show({ documents, total, next_cursor: next }, filter) {
  parts.list.replaceChildren(...documents.map(row));
  parts.status.textContent = documents.length > 0 ? `${number(at.from)}–${number(at.from + documents.length - 1)} of ${number(total)}, by id` : plural(total, 'document');
  parts.state.replaceChildren(...(documents.length > 0 || total > 0 ? [] : [filter ? h('div', { class: 'state' }, h('h2', null, 'No document meets the filter')) : nothingYet(openAdd)]));
  parts.removeAll.hidden = !filter || total === 0;
  parts.removeAll.textContent = `Delete ${total === 1 ? 'it' : `all ${number(total)}`}`;
  parts.pages.hidden = !next && at.from === 1;
  parts.previous.disabled = at.from === 1;
  parts.next.disabled = !next;
  parts.next.onclick = () => {
    before.push({ cursor: at.cursor, from: at.from });
    goTo({ cursor: next, from: at.from + documents.length });
  };
}

// goBack goes to the page before. Where the address came from elsewhere and that is not known, it goes to the first.
const goBack = () => goTo(before.pop() ?? { cursor: '', from: 1 });

async function goTo(place) {
  Object.assign(at, place);
  address.settle();
  remember();
  address.settle();
  await load();
  parts.list.querySelector('.title')?.focus({ preventScroll: true });
  parts.status.scrollIntoView({ block: 'nearest' });
}

function row(doc) {
  const hit = { ...doc, document_id: doc.id };
  const open = h('button', { type: 'button', class: 'title', 'aria-expanded': 'false', dir: 'auto' }, titleOf(hit));
  const body = h('div', { class: 'body' });
  const item = h('li', { class: 'hit' },
    h('div', { class: 'head' }, h('h3', null, open)),
    h('p', { class: 'quiet facts' }, h('span', { dir: 'auto' }, doc.id), ` · ${plural(doc.chunk_count, 'chunk')} · ${plural(doc.tokens, 'token')} · changed ${day(doc.updated_at)}`),
    body,
    h('div', { class: 'foot' }, chips(doc.metadata, filterBy), link(doc.url), h('div', { class: 'acts' },
      act('More like this', `More like ${titleOf(hit)}`, () => page.go({ like: doc.id })),
      act('Delete', `Delete ${titleOf(hit)}`, () => remove(hit, item), 'delete'))));
  open.addEventListener('click', () => toggle(open, body, doc));
  return item;
}

const day = (time) => new Date(time).toLocaleDateString('en-GB', { dateStyle: 'medium' });

async function toggle(open, body, { id }) {
  const opened = open.getAttribute('aria-expanded') !== 'true';
  open.setAttribute('aria-expanded', String(opened));
  body.replaceChildren();
  if (!opened) return;
  body.setAttribute('aria-busy', 'true');
  try {
    const view = inspector(await api.read(page.collection(), id));
    if (open.getAttribute('aria-expanded') !== 'true' || body.childElementCount > 0) return;
    body.append(view.element);
    view.show();
  } catch (error) {
    body.replaceChildren(h('p', { class: 'wrong', role: 'alert' }, error.text ?? error.message));
  } finally {
    body.removeAttribute('aria-busy');
  }
}

function filterBy(key, value) {
  parts.filter.value = withCondition(parts.filter.value, key, value);
  address.settle();
  filtered();
  parts.filter.focus();
}

async function remove(hit, item) {
  const near = item.nextElementSibling ?? item.previousElementSibling;
  if (!(await confirmDelete(titleOf(hit), () => api.remove(page.collection(), hit.document_id)))) return;
  const title = near?.querySelector('.title').textContent;
  page.refresh();
  await load();
  const next = [...parts.list.querySelectorAll('.title')].find((one) => one.textContent === title);
  (next ?? parts.filter).focus();
}

async function removeMatching() {
  const filter = parseFilter(parts.filter.value);
  const act = () => api.removeMatching(page.collection(), filter);
  if (!(await confirmDelete(at.filter, act, 'Delete every document that meets this filter?'))) return;
  page.refresh();
  filtered();
  parts.filter.focus();
}
