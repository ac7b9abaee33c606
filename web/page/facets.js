// Facets: what the hits' metadata is made of, with counts. To choose a value is to write it into the filter.

import { $, button, h, number } from './dom.js';
import { bounded, bounds, choose, chosen } from './filter.js';

const MOST_KEYS = 12;
const MOST_VALUES = 100; // of a key, as the server answers them
const FEW = 6; // values shown at first
const RANGE_FROM = 12; // different numbers or times, from which on a range says more than a list

const values = ({ types }) => types.reduce((sum, type) => sum + type.values, 0);
const isRange = (field) => field.types.length === 1 && ['number', 'time'].includes(field.types[0].type) && values(field) > RANGE_FROM;
const isList = (field) => !isRange(field) && values(field) <= MOST_VALUES;

// lists are the keys whose values are worth counting, those with the fewest first; a title or the number of an order is none.
// A key with one value comes last, as it tells nothing apart.
const weight = (field) => (values(field) === 1 ? Infinity : values(field));
const lists = (fields) => fields.filter(isList).sort((a, b) => weight(a) - weight(b)).slice(0, MOST_KEYS);

export const facetKeys = (fields) => lists(fields).map(({ key }) => key);

// otherwise yields each key of which the filter chooses values, and the filter without that choice: how many documents the
// key's other values would give.
export function* otherwise(fields, text) {
  for (const key of facetKeys(fields)) if (chosen(text, key).length > 0) yield [key, choose(text, key, [])];
}

const opened = new Set(); // keys all of whose values are shown

// showFacets fills the panel. A choice calls narrow with what it does to a filter, as that may have changed meanwhile.
export function showFacets(fields, counts, text, narrow) {
  const focused = document.activeElement?.closest('#facets') ? document.activeElement.id : '';
  const counted = lists(fields).filter(({ key }) => Object.keys(counts[key] ?? {}).length > 0);
  const ranges = fields.filter(isRange).slice(0, MOST_KEYS - counted.length);
  $('facets').hidden = counted.length + ranges.length === 0;
  $('facet-list').replaceChildren(
    ...counted.map((field) => list(field, counts[field.key], text, narrow)),
    ...ranges.map((field) => range(field, text, narrow)));
  if (focused) document.getElementById(focused)?.focus();
}

function list(field, counts, text, narrow) {
  const now = chosen(text, field.key);
  const rows = order(counts, (value) => literals(field, value).some((literal) => now.includes(literal)));
  const cut = opened.has(field.key) || rows.length <= FEW + 1 ? rows.length : FEW;
  const group = h('ul', { role: 'list' }, rows.slice(0, cut).map((row) => choice(field, row, narrow)));
  const more = cut < rows.length && button(`${number(rows.length - cut)} more`, () => {
    opened.add(field.key);
    group.append(...rows.slice(cut).map((row) => choice(field, row, narrow)));
    group.children[cut].querySelector('input').focus();
    more.remove();
  }, 'plain');
  return h('fieldset', { class: 'facet' }, h('legend', { dir: 'auto' }, field.key), group, more);
}

// order puts what is chosen first; the rest stays as the server has it, most documents first. A JavaScript object has members
// that look like numbers first, so the counts decide.
function order(counts, isChosen) {
  const rows = Object.entries(counts).map(([value, documents]) => ({ value, documents, checked: isChosen(value) }));
  return rows.sort((a, b) => b.checked - a.checked || b.documents - a.documents);
}

function choice(field, { value, documents, checked }, narrow) {
  const mine = literals(field, value);
  const box = h('input', {
    type: 'checkbox', checked, id: `facet-${field.key}-${value}`,
    onchange: () => narrow((filter) => {
      const others = chosen(filter, field.key).filter((literal) => !mine.includes(literal));
      return choose(filter, field.key, checked ? others : [...others, ...mine]);
    }),
  });
  return h('li', null, h('label', { class: 'choice' }, box, h('span', { dir: 'auto' }, value), h('span', { class: 'quiet' }, number(documents))));
}

// literals are a value's JSON texts, one for each type that the key's values have: the server writes 1 and "1" alike.
function literals({ types }, value) {
  return types.flatMap(({ type }) => {
    if (type === 'number') return /^-?\d/.test(value) ? [value] : [];
    if (type === 'boolean') return value === 'true' || value === 'false' ? [value] : [];
    return [JSON.stringify(value)];
  });
}

function range(field, text, narrow) {
  const [{ type, min, max }] = field.types;
  const isTime = type === 'time';
  const now = bounds(text, field.key);
  const input = (which, edge) => h('input', {
    type: isTime ? 'date' : 'number', step: 'any', id: `facet-${which}-${field.key}`, 'aria-label': `${field.key} ${which}`,
    placeholder: isTime ? null : edge, min: isTime ? min.slice(0, 10) : null, max: isTime ? max.slice(0, 10) : null,
    value: isTime ? now[which]?.slice(1, 11) : now[which],
    onchange: ({ target }) => narrow((filter) => bounded(filter, field.key, which, literal(target.value, isTime, which))),
  });
  return h('fieldset', { class: 'facet' }, h('legend', { dir: 'auto' }, field.key),
    h('div', { class: 'range' }, input('from', min), h('span', { class: 'quiet', 'aria-hidden': 'true' }, '–'), input('to', max)));
}

// literal is a bound as JSON; a day begins and ends in UTC.
function literal(value, isTime, which) {
  if (!value) return '';
  return isTime ? JSON.stringify(`${value}T${which === 'from' ? '00:00:00' : '23:59:59.999999'}Z`) : String(Number(value));
}
