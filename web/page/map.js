// The map view: the collection in two dimensions, coloured by a metadata key, and where a question lies on it.

import * as address from './address.js';
import * as api from './api.js';
import { openAdd } from './add.js';
import { colouring, legend } from './colours.js';
import { button, h, number, plural } from './dom.js';
import { chart } from './plot.js';
import { reader } from './reader.js';
import { failure, nothingYet } from './states.js';

const SAMPLES = [500, 1000, 2000, 5000];
const PAUSE = 300; // ms without a key before the question is placed
const MOST_VALUES = 1000; // of a key that is offered as a colour: more are no groups, unless they are numbers

let page = null;
let parts = null;
let plot = null;
let only = ''; // the value that is picked out
let running = new AbortController();
let timer = 0;
let opening = 0;

export async function open(context, params) {
  if (page === null) build(context);
  page = context;
  parts.query.value = params.q ?? '';
  parts.sample.value = SAMPLES.includes(Number(params.sample)) ? params.sample : '1000';
  only = params.only ?? '';
  const mine = ++opening;
  const fields = await api.fields(page.collection()).catch(() => []); // the map itself says what is wrong
  if (mine !== opening || page === null) return;
  offer(fields, params.by);
  load();
}

export function close() {
  running.abort();
  clearTimeout(timer);
  plot.stop();
  page = null;
}

export const changed = () => load();

function build({ root }) {
  parts = {
    query: h('input', { id: 'map-query', type: 'search', 'data-box': true, placeholder: 'Where does a question land?', spellcheck: 'false', autocapitalize: 'off' }),
    by: h('select', { id: 'map-by', onchange: () => { only = ''; settled(); } }),
    sample: h('select', { id: 'map-sample', onchange: settled }, SAMPLES.map((n) => h('option', { value: n }, number(n)))),
    status: h('p', { class: 'quiet', id: 'map-status', role: 'status' }),
    legend: h('ul', { class: 'legend', role: 'list', 'aria-label': 'Colours' }),
    near: h('ol', { class: 'near' }),
    chosen: h('div', { class: 'chosen', 'aria-live': 'polite' }),
    state: h('div'),
  };
  plot = chart({ select: showPoint, open: openPoint });
  parts.query.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(() => { remember(); load(); }, PAUSE);
  });
  parts.query.addEventListener('blur', address.settle);
  parts.map = h('div', { class: 'map', hidden: true }, h('div', null, plot.element, parts.legend), h('div', null, parts.chosen,
    h('section', { 'aria-labelledby': 'near-heading', hidden: true }, h('h3', { id: 'near-heading' }, 'Nearest to the question'), parts.near)));
  root.replaceChildren(h('h2', { class: 'hidden' }, 'Map'),
    h('div', { class: 'tool' }, h('label', { for: 'map-query' }, 'Question', parts.query), h('label', { class: 'small', for: 'map-by' }, 'Colour', parts.by),
      h('label', { class: 'small', for: 'map-sample' }, 'Passages', parts.sample)), parts.status, parts.state, parts.map);
}

// offer lists the keys that can give colours; the first that makes a few groups is taken where the address names none.
function offer(fields, wanted) {
  const sum = ({ types }) => types.reduce((all, { values }) => all + values, 0);
  const usable = fields.filter((field) => sum(field) <= MOST_VALUES || field.types.every(({ type }) => type === 'number'));
  const groups = usable.filter((field) => sum(field) > 1).sort((a, b) => Math.abs(sum(a) - 6) - Math.abs(sum(b) - 6))[0];
  parts.by.replaceChildren(h('option', { value: '' }, 'one'), ...usable.map(({ key }) => h('option', { value: key }, key)));
  parts.by.value = wanted === undefined ? groups?.key ?? '' : usable.some(({ key }) => key === wanted) ? wanted : '';
}

function settled() {
  address.settle();
  remember();
  address.settle();
  load();
}

const remember = () => page.remember({ q: parts.query.value, by: parts.by.value, sample: parts.sample.value === '1000' ? '' : parts.sample.value, only });

async function load() {
  running.abort();
  const mine = (running = new AbortController());
  parts.map.setAttribute('aria-busy', 'true');
  try {
    const { points, passages, explained, query } = await api.map(page.collection(), { q: parts.query.value.trim(), by: parts.by.value, sample: parts.sample.value }, mine.signal);
    if (mine.signal.aborted) return;
    parts.map.hidden = points.length === 0;
    parts.state.replaceChildren(...(points.length === 0 ? [nothingYet(openAdd)] : []));
    parts.status.textContent = points.length === 0 ? '' : `${number(points.length)} of ${plural(passages, 'passage')}. The axes show ${share(explained[0])} and ${share(explained[1])} of the variance.`;
    const colours = colouring(points.map(({ value }) => value));
    explain(colours);
    parts.chosen.replaceChildren();
    nearest(points);
    plot.draw(points, colours, query);
  } catch (error) {
    if (mine.signal.aborted || error.name === 'AbortError') return;
    parts.map.hidden = true;
    parts.status.textContent = '';
    parts.state.replaceChildren(failure(error, load));
  } finally {
    if (mine === running) parts.map.removeAttribute('aria-busy');
  }
}

const share = (part) => `${(100 * part).toLocaleString('en', { maximumFractionDigits: 1 })}%`;
const nameOf = (point) => point.title.trim() || point.document_id;

// explain draws the legend, in which a value can be picked out of the others.
function explain(colours) {
  colours.pick?.(only);
  const here = [...parts.legend.querySelectorAll('button, select')].indexOf(document.activeElement);
  parts.legend.replaceChildren(...legend(colours, (name) => {
    only = name;
    address.settle();
    remember();
    address.settle();
    explain(colours);
    plot.paint();
  }));
  if (here >= 0) parts.legend.querySelectorAll('button, select')[here]?.focus(); // who picks with keys goes on where they were
}

function nearest(points) {
  const hits = points.filter(({ rank }) => rank).sort((a, b) => a.rank - b.rank);
  parts.near.parentElement.hidden = hits.length === 0;
  parts.near.replaceChildren(...hits.map((point) => h('li', null, button(nameOf(point), () => plot.choose(points.indexOf(point)), 'plain'))));
}

// showPoint says which passage has been pointed at.
function showPoint(point) {
  parts.chosen.replaceChildren(h('p', null, h('b', { dir: 'auto' }, nameOf(point)), h('span', { class: 'quiet' }, ` ${point.document_id}, chunk ${point.chunk_index}`,
    point.value !== undefined && ` · ${parts.by.value}: ${point.value}`)), button('Open', () => openPoint(point), 'plain'));
}

async function openPoint(point) {
  showPoint(point);
  try {
    const doc = await api.read(page.collection(), point.document_id);
    const view = reader(doc, doc.chunks[Math.min(point.chunk_index, doc.chunks.length - 1)]);
    parts.chosen.lastChild.remove();
    parts.chosen.append(view.element);
    view.show();
  } catch (error) {
    parts.chosen.append(h('p', { class: 'wrong', role: 'alert' }, error.text ?? error.message));
  }
}
