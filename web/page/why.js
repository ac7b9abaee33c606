// The drawer that says why a hit stands where it does: what vectors and words say about it, and where the time went.

import * as api from './api.js';
import { $, button, h } from './dom.js';
import { titleOf } from './hits.js';

const round = (n, digits = 3) => n.toLocaleString('en', { maximumFractionDigits: digits });

// openWhy asks the same search again, this time to be explained.
export async function openWhy(collection, request, filter, hit) {
  const body = h('div', { class: 'why-body', 'aria-busy': 'true' }, h('p', { class: 'quiet' }, 'Asking…'));
  const dialog = h('dialog', { id: 'why', class: 'drawer', 'aria-labelledby': 'why-heading', onclose: () => dialog.remove() },
    h('div', { class: 'heading' }, h('h2', { id: 'why-heading' }, 'Why it stands here'), button('Close', () => dialog.close(), 'plain')),
    h('p', { class: 'why-title', dir: 'auto' }, titleOf(hit)), body);
  dialog.addEventListener('click', ({ target }) => { if (target === dialog) dialog.close(); }); // beside the drawer
  $('why')?.close();
  document.body.append(dialog);
  dialog.showModal();
  try {
    const answer = await api.search(collection, { ...request, explain: true }, filter);
    const found = answer.hits.find(({ document_id: id, chunk }) => id === hit.document_id && chunk.index === hit.chunk.index);
    body.replaceChildren(...(found ? legs(found, answer) : [h('p', null, 'It is no longer among the hits of this page: the collection has changed.')]), timings(answer));
  } catch (error) {
    body.replaceChildren(h('p', { class: 'wrong', role: 'alert' }, error.text ?? error.message));
  } finally {
    body.removeAttribute('aria-busy');
  }
}

function legs(hit, { word_weight: weight, mode }) {
  const { place, semantic, lexical, feedback, rerank } = hit.explain;
  const row = (name, leg, unit) => leg && h('tr', null, h('th', { scope: 'row' }, name),
    h('td', null, leg.rank ? `${leg.rank}.` : '–'), h('td', null, round(leg.score), h('span', { class: 'quiet' }, ` ${unit}`)), h('td', null, round(leg.evidence, 2)));
  return [
    h('p', null, h('b', null, `Place ${place}`), `, score ${round(hit.score)}, relevance ${Math.round(hit.relevance * 100)}%`),
    h('table', null,
      h('thead', null, h('tr', null, ['Found by', 'Rank', 'Score', 'Evidence'].map((name) => h('th', { scope: 'col' }, name)))),
      h('tbody', null, row('Meaning', semantic, 'cosine'), row('Words', lexical, 'BM25'), row('Likeness to the best hits', feedback, 'cosine'))),
    h('p', { class: 'quiet' }, 'Evidence is how many standard deviations a score is above chance.',
      mode === 'hybrid' && weight > 0 ? ` The score here is half the square of meaning’s, plus ${round(weight, 2)} times that of words${feedback ? ', plus a fifth of the square of likeness' : ''}.` : ''),
    rerank != null && h('p', null, `The cross-encoder says ${round(rerank)}.`),
  ].filter(Boolean);
}

function timings({ timings_ms: parts, took_ms: took, model }) {
  const most = Math.max(took, ...Object.values(parts));
  const bars = Object.entries(parts).map(([name, ms]) => {
    const fill = h('span', { class: 'fill' });
    fill.style.width = `${(100 * ms) / most}%`;
    return h('tr', null, h('th', { scope: 'row' }, name), h('td', { class: 'long' }, h('span', { class: 'bar', 'aria-hidden': 'true' }, fill)), h('td', null, `${round(ms, 2)} ms`));
  });
  return h('section', { 'aria-labelledby': 'why-time' }, h('h3', { id: 'why-time' }, `${round(took, 2)} ms in all`), h('table', null, h('tbody', null, bars)),
    h('p', { class: 'quiet' }, 'Some parts run at the same time. Model: ', h('code', null, model)));
}
