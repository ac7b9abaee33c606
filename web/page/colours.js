// What colour a point of the map has by its value, and the legend that says so and picks one value out.

import { h, number } from './dom.js';

const COLOURS = 8; // --c0 to --c7 of the style sheet
const REST = 'var(--edge)'; // of what has none of them

// colouring gives each value a colour: many numbers along a scale, other values by how many points have them, the eight
// most frequent in colours of their own. of(value) is a CSS colour. What is not picked, if anything is, is faint.
export function colouring(values) {
  const there = values.filter((value) => value !== undefined);
  if (there.length === 0) return { shown: [], of: () => 'var(--c0)', faint: () => false };
  if (there.every((value) => typeof value === 'number') && new Set(there).size > COLOURS) return scale(there, there.length < values.length);
  const counts = new Map();
  for (const value of there) counts.set(String(value), (counts.get(String(value)) ?? 0) + 1);
  const groups = [...counts].map(([name, count]) => ({ name, count })).sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
  groups.forEach((group, i) => { group.colour = i < COLOURS ? `var(--c${i})` : REST; });
  const known = new Map(groups.map(({ name, colour }) => [name, colour]));
  const colours = {
    shown: groups.slice(0, COLOURS), more: groups.slice(COLOURS), none: values.length - there.length, picked: null,
    pick(name) { colours.picked = name !== '' && known.has(name) ? name : null; },
    of(value) {
      const colour = value === undefined ? REST : known.get(String(value));
      return colour === REST && String(value) === colours.picked ? 'var(--ink)' : colour;
    },
    faint: (value) => colours.picked !== null && (value === undefined || String(value) !== colours.picked),
  };
  return colours;
}

function scale(numbers, gaps) {
  const low = numbers.reduce((a, b) => Math.min(a, b));
  const high = numbers.reduce((a, b) => Math.max(a, b));
  const mix = (value) => `color-mix(in oklab, var(--c1) ${Math.round((100 * (value - low)) / (high - low || 1))}%, var(--c4))`;
  const shown = [low, (low + high) / 2, high].map((value) => ({ colour: mix(value), name: value.toLocaleString('en', { maximumFractionDigits: 2, useGrouping: false }) }));
  if (gaps) shown.push({ colour: REST, name: 'none' });
  return { shown, of: (value) => (typeof value === 'number' ? mix(value) : REST), faint: () => false };
}

// legend lists the colours. Where they stand for values, each can be picked, and let go again by picking it once more;
// values without a colour of their own are in a list. picked(name) is told, with '' for none.
export function legend(colours, picked) {
  if (!colours.pick) return colours.shown.map((group) => h('li', null, ...entry(group)));
  const items = colours.shown.map((group) => {
    const pressed = group.name === colours.picked;
    return h('button', { type: 'button', 'aria-pressed': String(pressed), onclick: () => picked(pressed ? '' : group.name) }, ...entry(group));
  });
  if (colours.more.length > 0) items.push(others(colours, picked));
  if (colours.none > 0) items.push(h('span', { class: 'entry' }, ...entry({ colour: REST, name: 'none', count: colours.none })));
  return items.map((item) => h('li', null, item));
}

const entry = ({ colour, name, count }) => [swatch(colour), h('span', { class: 'name', dir: 'auto' }, name), count > 0 && h('span', { class: 'quiet' }, number(count))];

function others({ more, picked: now }, picked) {
  const count = more.reduce((sum, group) => sum + group.count, 0);
  const list = h('select', { 'aria-label': 'Other values', onchange: ({ target }) => picked(target.value) },
    h('option', { value: '' }, `${number(more.length)} more: ${number(count)}`),
    more.map(({ name, count: n }) => h('option', { value: name, selected: name === now }, `${name}: ${number(n)}`)));
  return h('span', { class: 'entry' }, swatch(list.value === '' ? REST : 'var(--ink)'), list);
}

function swatch(colour) {
  const mark = h('span', { class: 'swatch', 'aria-hidden': 'true' });
  mark.style.background = colour;
  return mark;
}
