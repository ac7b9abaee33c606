// What stands in the place of hits when there are none: each state says what is so, and what can be done.

import { Unreachable } from './api.js';
import { $, button, h, number, plural } from './dom.js';

// Questions that the sample answers without sharing a word with them.
const EXAMPLES = [
  'my soup tastes like seawater',
  'how do I get rid of snails',
  'my mind races at night and I can’t nod off',
  'does an espresso at teatime hurt my rest',
  'what will eventually happen to our star',
];

const state = (...children) => h('div', { class: 'state' }, ...children.filter(Boolean));
const put = (...children) => $('state').replaceChildren(state(...children));

export const clear = () => $('state').replaceChildren();

export const empty = (openAdd) => $('state').replaceChildren(nothingYet(openAdd));

export function nothingYet(openAdd) {
  return state(h('h2', null, 'Nothing here yet'),
    h('p', null, 'Add some text, notes or files. Then ask about them in your own words.'),
    button('Add text or files', openAdd, 'button primary'));
}

export function takingIn(job, asking) {
  put(h('h2', null, 'Documents are being taken in'),
    h('p', null, job.total > 0 && `${number(job.done + job.failed)} of ${plural(job.total, 'document')} so far. `, asking ? 'What you ask is asked again until there is an answer.' : 'They can be searched as they come.'));
}

export function ready(documents, hasSample, ask) {
  const examples = hasSample && EXAMPLES.map((text) => h('li', null, button(text, () => ask(text), 'example')));
  put(h('h2', null, `${plural(documents, 'document')} to search`),
    h('p', null, 'Ask in your own words. What counts is what is meant, not which words are used.'),
    examples && h('p', { class: 'quiet' }, 'For example:'),
    examples && h('ul', { class: 'examples', role: 'list' }, examples));
}

export function filtered(documents) {
  put(h('h2', null, `${plural(documents, 'document')} ${documents === 1 ? 'meets' : 'meet'} the filter`), h('p', null, 'Ask something to search them.'));
}

export function noHits(clearFilter, byMeaning) {
  const reason = byMeaning ? 'No document has these words.' : clearFilter ? 'No document meets the filter.' : 'There is nothing in this collection.';
  put(h('h2', null, 'No hits'), h('p', null, byMeaning && clearFilter ? 'No document that meets the filter has these words.' : reason),
    h('div', { class: 'row' }, byMeaning && button('Search by meaning, too', byMeaning), clearFilter && button('Clear the filter', clearFilter)));
}

// beyond is a page after the last.
export function beyond(total, first) {
  put(h('h2', null, 'There is no such page'), h('p', null, `The search has ${plural(total, 'hit')}.`), button('To the first page', first));
}

export const failed = (error, retry) => $('state').replaceChildren(failure(error, retry));

// failure is what an error of the server, or its silence, looks like in any view.
export function failure(error, retry) {
  if (error instanceof Unreachable) return state(h('div', { role: 'alert' }, h('h2', null, 'The server does not answer'), h('p', null, 'It may have been stopped, or the connection is down.')), button('Try again', retry));
  return state(h('div', { role: 'alert' }, h('h2', null, 'That did not work'), h('p', { class: 'wrong' }, error.param && [h('code', null, error.param), ' '], error.message)),
    error.requestId && h('p', { class: 'quiet' }, 'Request ', h('code', null, error.requestId)),
    button('Try again', retry));
}

export function gone(retry) {
  put(h('div', { role: 'alert' }, h('h2', null, 'The server does not answer'), h('p', null, 'It may have been stopped, or the connection is down. Trying again every few seconds.')),
    button('Try again now', retry));
}
