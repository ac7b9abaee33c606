// The search view: what is asked, and what is shown for it.

import * as address from './address.js';
import * as api from './api.js';
import * as states from './states.js';
import { openAdd } from './add.js';
import { confirmDelete } from './confirm.js';
import { $, number } from './dom.js';
import { facetKeys, otherwise, showFacets } from './facets.js';
import { FilterError, parseFilter, withCondition } from './filter.js';
import { highlight, hitElement, offerMore, titleOf } from './hits.js';
import { focusQuery } from './keys.js';

const PAGE = 10;
const LAST_PAGE = 10_001; // the server skips 100,000 hits at most
const PATIENCE = 150; // ms without a key, or without an answer, until the page does not wait for the former answer, or says that it waits
const QUIET = 300; // ms without a key before anything is asked that nobody waits for
const RETRY = 4000; // ms
const SOON = 1000; // ms until the next look, while documents are taken in and none is found yet

const asked = { query: '', filter: '', mode: '', like: '', page: 1 };
const shown = { total: 0, took: 0, hits: 0, loose: false };
let page = null;
let fields = { collection: '', list: null }; // what documents have; asked for when there are hits, or it might not know what they have
let running = new AbortController();
let answered = true; // what was asked last
let typed = 0; // the timer of a letter that waits
let timer = 0; // of what is asked again by itself
let unwritten = 0; // the timer of what does not stand in the address yet

export function open(context, params) {
  if (!page) connect();
  page = context;
  $('query').value = params.q ?? '';
  $('filter').value = params.filter ?? '';
  const modes = ['semantic', 'lexical'];
  for (const radio of document.getElementsByName('mode')) radio.checked = radio.value === (modes.includes(params.mode) ? params.mode : 'hybrid');
  asked.like = params.q ? '' : params.like ?? '';
  asked.page = Math.min(Math.max(1, Math.trunc(Number(params.page)) || 1), LAST_PAGE);
  if (fields.collection !== page.collection()) forgetFields();
  ask({ remember: false });
}

export function close() {
  running.abort();
  clearTimeout(timer);
  clearTimeout(typed);
  clearTimeout(unwritten);
  typed = unwritten = 0;
}

// changed follows what has been added. Hits that somebody is reading are left as they are.
export function changed() {
  forgetFields();
  if (!$('hits').contains(document.activeElement) && !$('hits').querySelector('.reader')) ask();
}

function forgetFields() {
  fields = { collection: page.collection(), list: null };
}

const asking = () => asked.query.trim() !== '' || asked.like !== '';

// request is what is asked for, as the server takes it.
const request = () => ({
  ...(asked.like ? { like: [asked.like] } : { query: asked.query, mode: asked.mode || undefined }),
  offset: (asked.page - 1) * PAGE, limit: PAGE,
});

// ask takes what stands in the fields and shows its answer. An answer that comes too late is dropped.
async function ask({ remember = true, typing = false } = {}) {
  clearTimeout(timer);
  clearTimeout(typed);
  typed = 0;
  const mode = document.querySelector('[name=mode]:checked').value;
  Object.assign(asked, { query: $('query').value, filter: $('filter').value, mode: mode === 'hybrid' ? '' : mode });
  if (asked.query.trim()) asked.like = '';
  $('filter-clear').hidden = asked.filter === '';
  $('like').hidden = asked.like === '';
  $('like-what').textContent = asked.like;
  $('modes').hidden = asked.like !== '';
  clearTimeout(unwritten);
  unwritten = typing ? setTimeout(write, QUIET) : 0;
  if (!typing) write(remember);
  await guarded(asking() ? (filter, signal) => hitsPage(filter, signal, typing ? QUIET : 0) : overview);
}

// write says in the title, and in the address, what is asked. For another address a browser looks at the icon anew and redraws its own frame, which
// takes it as long as an answer: while somebody types it is left.
function write(remember = true) {
  unwritten = 0;
  const about = asked.query.trim() || asked.like;
  document.title = about ? `${about} – searchd` : 'searchd';
  if (remember) {
    page.remember({ q: asked.query, like: asked.like, filter: asked.filter, mode: asked.mode, page: asked.page > 1 ? asked.page : '' });
  }
}

// leaveField ends the entry of the history that was being typed.
function leaveField() {
  if (unwritten) {
    clearTimeout(unwritten);
    write();
  }
  address.settle();
}

// askAnew begins with the first page: something else is asked.
function askAnew(how) {
  asked.page = 1;
  return ask(how);
}

// guarded runs one request in place of the one before it, and shows what goes wrong.
async function guarded(act) {
  running.abort();
  const mine = (running = new AbortController());
  answered = false;
  const busy = setTimeout(() => { $('busy').hidden = false; }, PATIENCE);
  $('results').setAttribute('aria-busy', 'true');
  try {
    const filter = parseFilter(asked.filter);
    await act(filter, mine.signal);
    if (mine === running) filterError('');
  } catch (error) {
    if (mine === running && error.name !== 'AbortError') explain(error);
  } finally {
    clearTimeout(busy);
    if (mine === running) {
      $('busy').hidden = true;
      $('results').removeAttribute('aria-busy');
      answered = true;
      if (typed) askAnew({ typing: true });
    }
  }
}

async function hitsPage(filter, signal, quiet) {
  const answer = await api.search(page.collection(), request(), filter, signal);
  if (signal.aborted) return;
  if (answer.hits.length > 0) states.clear(); // else another one takes its place
  $('note').hidden = !(asked.page === 1 && answer.hits[0]?.relevance < 0.5);
  $('results').hidden = answer.hits.length === 0;
  show(answer);
  if (answer.hits.length > 0) {
    setTimeout(() => { if (!signal.aborted) details(answer, filter, signal); }, quiet);
    return;
  }
  await nothing(answer.total, filter, signal);
}

// nothing says why there are no hits, and what can be done.
async function nothing(total, filter, signal) {
  showFacets([], {}, '', narrow);
  if (total > 0) {
    states.beyond(total, () => toPage(1));
    return;
  }
  const [documents, job] = await Promise.all([api.count(page.collection(), '', signal), api.intake(page.collection(), signal)]);
  if (signal.aborted) return;
  if (job) takingIn(job);
  else if (documents === 0) states.empty(openAdd);
  else states.noHits(filter && clearFilter, asked.mode === 'lexical' && (() => setMode('hybrid')));
}

// takingIn says why there is nothing yet, and looks again until there is.
function takingIn(job) {
  states.takingIn(job, asking());
  timer = setTimeout(anew, SOON);
}

// details asks again for what is shown, with its nearest sentences, and for the facets. Both take longer to find than the hits:
// nobody waits for them, and without them the page is as good as before. While somebody types they would hold up the hits.
function details(answer, filter, signal) {
  highlights(answer, filter, signal);
  facets(filter, signal).catch(() => {}).finally(() => { if (!signal.aborted) $('facets').removeAttribute('aria-busy'); });
}

async function highlights({ hits }, filter, signal) {
  const answer = await api.search(page.collection(), { ...request(), limit: hits.length, highlight: true }, filter, signal).catch(() => null);
  if (!answer || signal.aborted) return;
  hits.forEach(({ document_id: id }, i) => {
    const item = $('hits').children[i];
    if (item && answer.hits[i]?.document_id === id) highlight(item, answer.hits[i]);
  });
  offerMore($('hits'));
}

async function facets(filter, signal) {
  $('facets').setAttribute('aria-busy', 'true');
  const text = asked.filter;
  const counted = async (keys, within) => (await api.search(page.collection(), { ...request(), offset: 0, limit: 1, facets: keys }, within, signal)).facets;
  const list = await (fields.list ??= api.fields(fields.collection).catch(() => [])); // without them there are no facets, and the hits are as good
  const keys = facetKeys(list);
  if (signal.aborted) return;
  const counts = { ...(keys.length > 0 && await counted(keys, filter)) };
  for (const [key, without] of otherwise(list, text)) Object.assign(counts, await counted([key], parseFilter(without))); // what else could be chosen where something is
  if (!signal.aborted) showFacets(list, counts, text, narrow);
}

function show({ hits, total, took_ms: took, phrases_missing: loose = false }) {
  $('hits').replaceChildren(...hits.map((hit) => hitElement(hit, page.collection(), { remove, filterBy, like, why })));
  $('hits').start = (asked.page - 1) * PAGE + 1;
  offerMore($('hits'));
  Object.assign(shown, { hits: hits.length, total, took, loose });
  count();
}

function count() {
  const first = (asked.page - 1) * PAGE + 1;
  $('status').textContent = shown.hits === 0 ? `${number(shown.total)} hits` : `${number(first)}–${number(first + shown.hits - 1)} of ${number(shown.total)}`;
  if (shown.loose) $('status').append('. Nothing has the words in quotes as they stand there');
  $('status').append(took(shown.took));
  const pages = Math.min(Math.ceil(shown.total / PAGE), LAST_PAGE);
  $('pages').hidden = pages < 2 || shown.hits === 0;
  $('pages-where').textContent = `Page ${number(asked.page)} of ${number(pages)}`;
  $('previous').disabled = asked.page <= 1;
  $('next').disabled = asked.page >= pages;
}

function took(ms) {
  const span = document.createElement('span');
  span.className = 'took';
  span.ariaHidden = 'true'; // it would be read out with every letter
  span.textContent = `${ms.toLocaleString('en', { maximumFractionDigits: 1 })} ms`;
  return span;
}

async function toPage(n) {
  asked.page = n;
  address.settle();
  const done = ask();
  address.settle();
  await done;
  $('hits').querySelector('.title')?.focus({ preventScroll: true });
  $('status').scrollIntoView({ block: 'nearest' });
}

// overview is what is shown while nothing is asked.
async function overview(filter, signal) {
  const collection = page.collection();
  const documents = await api.count(collection, filter, signal);
  const job = documents === 0 && await api.intake(collection, signal);
  const sample = documents > 0 && !filter ? await api.count(collection, '{"source":"searchd-sample"}', signal) : 0;
  if (signal.aborted) return;
  hideResults();
  if (job) takingIn(job);
  else if (filter) states.filtered(documents);
  else if (documents === 0) states.empty(openAdd);
  else states.ready(documents, sample > 0, askFor);
}

function hideResults() {
  $('results').hidden = true;
  $('hits').replaceChildren();
  $('status').textContent = '';
  showFacets([], {}, '', narrow);
}

function explain(error) {
  if (error instanceof FilterError || error.param?.startsWith('filter')) {
    filterError(error.param ? `${error.param.replace(/^filter\.?/, '')} ${error.message}`.trim() : error.message);
    return;
  }
  filterError('');
  hideResults();
  if (error instanceof api.Unreachable) {
    states.gone(() => ask());
    timer = setTimeout(anew, RETRY);
  } else states.failed(error, () => ask());
}

// anew asks the same, of what may have become another collection meanwhile.
async function anew() {
  forgetFields();
  await page.refresh();
  ask();
}

// filterError stands beside the field. The hits of the last filter that worked stay, dimmed, until it works again.
function filterError(text) {
  $('filter-error').textContent = text;
  $('filter').setAttribute('aria-invalid', String(text !== ''));
  $('results').classList.toggle('stale', text !== '');
  if (text) $('status').textContent = $('results').hidden ? '' : 'Hits from before the filter was changed';
}

function askFor(text) {
  $('query').value = text;
  asked.like = '';
  address.settle();
  askAnew();
  focusQuery();
}

function like(hit) {
  $('query').value = '';
  asked.like = hit.document_id;
  address.settle();
  askAnew();
  address.settle();
  $('like-clear').focus();
}

async function why(hit) {
  const { openWhy } = await import('./why.js');
  openWhy(page.collection(), request(), parseFilter(asked.filter), hit);
}

function setMode(mode) {
  for (const radio of document.getElementsByName('mode')) radio.checked = radio.value === mode;
  address.settle();
  askAnew();
}

// narrow is what facets do: they change the filter.
function narrow(change) {
  $('filter').value = change($('filter').value);
  address.settle();
  askAnew();
}

function clearFilter() {
  narrow(() => '');
  $('filter').focus();
}

function filterBy(key, value) {
  narrow((filter) => withCondition(filter, key, value));
  $('filter-clear').focus();
}

async function remove(hit, item) {
  const near = item.nextElementSibling ?? item.previousElementSibling;
  const collection = page.collection();
  if (!(await confirmDelete(titleOf(hit), () => api.remove(collection, hit.document_id)))) return;
  forgetFields();
  if (!item.isConnected) { // other hits are shown by now, and it may be among them
    ask();
    return;
  }
  item.remove();
  shown.hits--;
  shown.total--;
  count();
  page.refresh();
  if (near) near.querySelector('.title').focus();
  else {
    $('query').focus();
    askAnew();
  }
}

// type asks with every letter, but not faster than answers come: a letter waits for the one that is on its way, or for a pause.
function type() {
  clearTimeout(timer);
  clearTimeout(typed);
  if (answered) askAnew({ typing: true });
  else typed = setTimeout(() => askAnew({ typing: true }), PATIENCE);
}

function connect() {
  const wide = matchMedia('(min-width: 62rem)'); // there they stand beside the hits, and nothing closes them
  const unfold = () => { $('facets').open = wide.matches; };
  wide.addEventListener('change', unfold);
  unfold();
  for (const field of [$('query'), $('filter')]) {
    field.addEventListener('input', type);
    field.addEventListener('blur', leaveField);
  }
  $('search').addEventListener('submit', (event) => event.preventDefault());
  $('search').addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.isComposing || !event.target.matches('#query, #filter')) return;
    event.preventDefault();
    askAnew(); // has written the address when it returns; what is typed next is another entry
    address.settle();
  });
  $('modes').addEventListener('change', () => setMode(document.querySelector('[name=mode]:checked').value));
  $('filter-clear').onclick = clearFilter;
  $('query-clear').onclick = () => askFor('');
  $('like-clear').onclick = () => askFor('');
  $('previous').onclick = () => toPage(asked.page - 1);
  $('next').onclick = () => toPage(asked.page + 1);
  addEventListener('online', () => { if (!$('view-search').hidden) ask(); });
}
