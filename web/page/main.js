// The page: what is asked, and what is shown for it.

import * as address from './address.js';
import * as api from './api.js';
import * as states from './states.js';
import { closeAdd, openAdd, setUp } from './add.js';
import { confirmDelete } from './confirm.js';
import { $, h, number, plural } from './dom.js';
import { FilterError, parseFilter, withCondition } from './filter.js';
import { highlight, hitElement, offerMore, titleOf } from './hits.js';
import { focusQuery, listen } from './keys.js';

const PAGE = 10;
const PAUSE = 150; // ms without a key before a search
const RETRY = 4000; // ms

const asked = { query: '', filter: '', collection: 'default' };
const shown = { hits: 0, total: 0, took: 0 };
let running = new AbortController();
let timer = 0;

// ask takes what stands in the fields and shows its answer. An answer that comes too late is dropped.
async function ask({ remember = true } = {}) {
  clearTimeout(timer);
  Object.assign(asked, { query: $('query').value, filter: $('filter').value });
  $('filter-clear').hidden = asked.filter === '';
  document.title = asked.query.trim() ? `${asked.query.trim()} – searchd` : 'searchd';
  if (remember) address.write(asked);
  await guarded((filter, signal) => (asked.query.trim() ? firstPage(filter, signal) : overview(filter, signal)));
}

// guarded runs one request in place of the one before it, and shows what goes wrong.
async function guarded(request) {
  running.abort();
  const mine = (running = new AbortController());
  const busy = setTimeout(() => { $('busy').hidden = false; }, PAUSE);
  $('results').setAttribute('aria-busy', 'true');
  try {
    const filter = parseFilter(asked.filter);
    await request(filter, mine.signal);
    if (mine === running) filterError('');
  } catch (error) {
    if (mine === running && error.name !== 'AbortError') explain(error);
  } finally {
    clearTimeout(busy);
    if (mine === running) {
      $('busy').hidden = true;
      $('results').removeAttribute('aria-busy');
    }
  }
}

async function firstPage(filter, signal) {
  const answer = await api.search(asked.collection, { query: asked.query, filter, offset: 0, limit: PAGE }, signal);
  if (signal.aborted) return;
  $('hits').replaceChildren();
  shown.hits = 0;
  states.clear();
  $('note').hidden = !(answer.hits[0]?.relevance < 0.5);
  $('results').hidden = answer.hits.length === 0;
  show(answer);
  if (answer.hits.length > 0) {
    highlights({ filter, offset: 0 }, answer, signal);
    return;
  }
  const documents = await api.count(asked.collection, '', signal);
  if (signal.aborted) return;
  if (documents === 0) states.empty(openAdd);
  else states.noHits(filter && clearFilter);
}

async function nextPage(filter, signal) {
  const before = shown.hits;
  const answer = await api.search(asked.collection, { query: asked.query, filter, offset: before, limit: PAGE }, signal);
  if (signal.aborted) return;
  show(answer);
  $('hits').children[before]?.querySelector('.title').focus();
  highlights({ filter, offset: before }, answer, signal);
}

// highlights asks again for what is shown, with its nearest sentences, which take longer to find than the hits. Nobody waits for
// them, and without them the page is as good as before.
async function highlights({ filter, offset }, { hits }, signal) {
  const answer = await api.search(asked.collection, { query: asked.query, filter, offset, limit: hits.length, highlight: true }, signal).catch(() => null);
  if (!answer || signal.aborted) return;
  hits.forEach(({ document_id: id }, i) => {
    const item = $('hits').children[offset + i];
    if (item && answer.hits[i]?.document_id === id) highlight(item, answer.hits[i]);
  });
  offerMore($('hits'));
}

function show({ hits, total, took_ms: took }) {
  $('hits').append(...hits.map((hit) => hitElement(hit, asked.collection, { remove, filterBy })));
  offerMore($('hits'));
  Object.assign(shown, { hits: shown.hits + hits.length, total, took });
  count();
}

function count() {
  const left = shown.total - shown.hits;
  $('status').textContent = shown.hits === 0 ? '0 hits' : `1–${number(shown.hits)} of ${number(shown.total)}`;
  $('status').append(h('span', { 'aria-hidden': 'true', class: 'took' }, `${shown.took.toLocaleString('en', { maximumFractionDigits: 1 })} ms`));
  $('more').hidden = left <= 0 || shown.hits === 0;
  $('more').textContent = `Show ${number(Math.min(left, PAGE))} more`;
}

// overview is what is shown while nothing is asked.
async function overview(filter, signal) {
  const documents = await api.count(asked.collection, filter, signal);
  const sample = documents > 0 && !filter ? await api.count(asked.collection, '{"source":"searchd-sample"}', signal) : 0;
  if (signal.aborted) return;
  hideResults();
  if (filter) states.filtered(documents);
  else if (documents === 0) states.empty(openAdd);
  else states.ready(documents, sample > 0, askFor);
}

function hideResults() {
  $('results').hidden = true;
  $('hits').replaceChildren();
  $('status').textContent = '';
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
    timer = setTimeout(reconnect, RETRY);
  } else states.failed(error, () => ask());
}

async function reconnect() {
  await refresh();
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
  address.settle();
  ask();
  focusQuery();
}

function clearFilter() {
  $('filter').value = '';
  address.settle();
  ask();
  $('filter').focus();
}

function filterBy(key, value) {
  $('filter').value = withCondition($('filter').value, key, value);
  address.settle();
  ask();
  $('filter-clear').focus();
}

async function remove(hit, item) {
  const near = item.nextElementSibling ?? item.previousElementSibling;
  const { collection } = asked;
  if (!(await confirmDelete(titleOf(hit), () => api.remove(collection, hit.document_id)))) return;
  if (!item.isConnected) { // other hits are shown by now, and it may be among them
    ask();
    return;
  }
  item.remove();
  shown.hits--;
  shown.total--;
  count();
  refresh();
  if (near) near.querySelector('.title').focus();
  else {
    $('query').focus();
    ask();
  }
}

// refresh reads which collections there are. The chooser is only there when there is something to choose.
async function refresh() {
  let list;
  try {
    list = await api.collections();
  } catch {
    return; // the search that follows says what is wrong
  }
  const names = list.map(({ name }) => name);
  if (!names.includes(asked.collection) && asked.collection !== 'default') names.push(asked.collection);
  if (!names.includes('default') && names.length !== 1) names.unshift('default');
  $('collection').replaceChildren(...names.map((name) => h('option', { value: name, selected: name === asked.collection }, name)));
  $('chooser').hidden = names.length < 2;
  if (names.length === 1) [asked.collection] = names;
  const now = list.find(({ name }) => name === asked.collection);
  $('about').textContent = now ? `${plural(now.documents, 'document')} · ${plural(now.chunks, 'passage')} · ${now.model.split('/').pop()}` : '';
}

// changed follows what has been added. Hits that somebody is reading are left as they are.
function changed() {
  refresh();
  if (!$('hits').contains(document.activeElement) && !$('hits').querySelector('.reader')) ask();
}

function fromAddress() {
  const { query, filter, collection } = address.read();
  $('query').value = query;
  $('filter').value = filter;
  asked.collection = collection || 'default';
}

function later() {
  clearTimeout(timer);
  timer = setTimeout(ask, PAUSE);
}

function connect() {
  for (const field of [$('query'), $('filter')]) {
    field.addEventListener('input', later);
    field.addEventListener('blur', address.settle);
  }
  $('search').addEventListener('submit', (event) => event.preventDefault());
  $('search').addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.isComposing || !event.target.matches('input')) return;
    event.preventDefault();
    ask().then(address.settle);
  });
  $('filter-clear').onclick = clearFilter;
  $('query-clear').onclick = () => askFor('');
  $('more').onclick = () => guarded(nextPage);
  $('collection').onchange = ({ target }) => {
    asked.collection = target.value;
    address.settle();
    ask();
    refresh();
  };
  addEventListener('popstate', async () => {
    address.settle();
    fromAddress();
    await refresh();
    ask({ remember: false });
  });
  addEventListener('online', () => ask());
  listen({
    closeAdd,
    clear: (field) => { field.value = ''; ask(); },
    remove: (item) => item.querySelector('.delete').click(),
  });
  setUp({ collection: () => asked.collection, changed });
}

connect();
fromAddress();
await refresh();
ask({ remember: false });
