// How the results of tasks are shown. Each makes a view of a section: { done(answer) }, and for streams { hits, delta } before.

import * as api from './api.js';
import { slicer } from './bytes.js';
import { button, h, number, plural } from './dom.js';
import { titleOf } from './hits.js';
import { reader } from './reader.js';

const round = (n, digits = 1) => n.toLocaleString('en', { maximumFractionDigits: digits });

// facts are what every task answers about itself.
function facts({ model, provider, execution_time_ms: took, usage, estimated_cost_usd: cost, from_cache: cached, attempts, notes = [] }, ...more) {
  const parts = [...more, model, provider, `${round(took)} ms`, usage.completion_tokens > 0 && plural(usage.completion_tokens, 'token'),
    cost > 0 && `$${round(cost, 6)}`, cached && 'from the cache', attempts > 1 && `${number(attempts)} attempts`];
  return [h('p', { class: 'quiet facts' }, parts.filter(Boolean).join(' · ')), ...notes.map((note) => h('p', { class: 'quiet' }, note))];
}

const text = (value) => h('p', { class: 'made', dir: 'auto' }, value);

export function completion(section) {
  const made = text('');
  return {
    delta({ text: piece }) {
      if (!made.isConnected) section.replaceChildren(made);
      made.append(piece);
    },
    done(answer) {
      section.replaceChildren(text(answer.text), ...facts(answer, answer.finish_reason === 'length' && 'cut off at the most tokens'));
    },
  };
}

export const summary = (section) => ({
  done(answer) {
    section.replaceChildren(text(answer.summary), ...facts(answer, `${number(answer.summary_length)} of ${plural(answer.original_length, 'word')}`));
  },
});

export const translation = (section) => ({
  done(answer) {
    section.replaceChildren(text(answer.translation), ...facts(answer));
  },
});

export const sentiment = (section) => ({
  done(answer) {
    const rows = Object.entries(answer.scores).sort((a, b) => b[1] - a[1]).map(([label, score]) => h('tr', null, h('th', { scope: 'row' }, label), h('td', { class: 'long' }, bar(score)), h('td', null, `${Math.round(score * 100)}%`)));
    section.replaceChildren(h('p', { class: 'made' }, h('b', null, answer.sentiment), `, ${Math.round(answer.confidence * 100)}% sure`), h('table', null, h('tbody', null, rows)), ...facts(answer));
  },
});

function bar(share) {
  const fill = h('span', { class: 'fill' });
  fill.style.width = `${Math.round(100 * share)}%`;
  return h('span', { class: 'bar', 'aria-hidden': 'true' }, fill);
}

// comparison puts the models side by side.
export const comparison = (section) => ({
  done(answer) {
    const cards = Object.entries(answer.model_results).map(([model, result]) => h('article', { class: 'card' }, h('h3', null, model),
      result.status === 'success' ? text(result.text) : h('p', { class: 'wrong' }, result.error.message),
      h('p', { class: 'quiet facts' }, [`${round(result.execution_time_ms)} ms`, result.status === 'success' && plural(result.token_count, 'token'), result.from_cache && 'from the cache',
        result.estimated_cost_usd > 0 && `$${round(result.estimated_cost_usd, 6)}`].filter(Boolean).join(' · '))));
    section.replaceChildren(h('p', { class: 'quiet' }, `${number(answer.successful_responses)} of ${plural(answer.total_models_tested, 'model')} answered`), h('div', { class: 'side' }, cards));
  },
});

// answer shows the passages as soon as they are found, then the answer above them, and at the end what it cites: a citation
// jumps to its passage, where its words are marked.
export function answer(section, page) {
  const collection = page.collection();
  const made = text('');
  const sources = h('div');
  const passages = h('ol', { class: 'passages', role: 'list' });
  let items = [];
  const showHits = (hits) => {
    items = hits.map((hit) => passageItem(hit, collection));
    passages.replaceChildren(...items.map(({ element }) => element));
    section.replaceChildren(made, sources, h('h3', null, plural(hits.length, 'passage')), passages);
  };
  return {
    hits: ({ hits }) => showHits(hits),
    delta: ({ text: piece }) => made.append(piece),
    done(result) {
      if (items.length === 0) showHits(result.hits);
      made.replaceChildren(result.answer || 'The documents do not say.');
      sources.replaceChildren(...citations(result.citations, items), ...facts(result));
    },
  };
}

function citations(list, items) {
  if (list.length === 0) return [];
  const links = list.map((citation) => {
    const item = items.find(({ hit }) => hit.document_id === citation.document_id && hit.chunk.start <= citation.start && citation.end <= hit.chunk.end);
    if (!item) return h('li', null, citation.document_id);
    const { mark, words } = item.cite(citation);
    return h('li', null, button(`${titleOf(item.hit)}: “${words}”`, () => {
      mark.scrollIntoView({ block: 'center' });
      mark.focus();
    }, 'plain cite'));
  });
  items.forEach(({ finish }) => finish());
  return [h('h3', null, 'It rests on'), h('ol', { class: 'citations' }, links)];
}

const SHORT = 120; // characters of a citation that its link shows

function passageItem(hit, collection) {
  const slice = slicer(hit.text);
  const passage = h('p', { dir: 'auto' }, hit.text);
  const place = h('div');
  const whole = button('Whole document', async () => {
    try {
      const view = reader(await api.read(collection, hit.document_id), hit.chunk);
      place.replaceChildren(view.element);
      view.show();
      whole.remove();
    } catch (error) {
      place.replaceChildren(h('p', { class: 'wrong', role: 'alert' }, error.text ?? error.message));
    }
  }, 'plain');
  const cited = [];
  return {
    hit,
    element: h('li', { class: 'card' }, h('div', { class: 'heading' }, h('b', { dir: 'auto' }, titleOf(hit)), whole), passage, place),
    cite({ start, end }) {
      const from = start - hit.chunk.start;
      const to = end - hit.chunk.start;
      const known = cited.find((one) => one.from === from && one.to === to);
      if (known) return known;
      const words = slice(from, to).replace(/\s+/g, ' ').trim();
      const made = { from, to, words: words.length > SHORT ? `${words.slice(0, SHORT)}…` : words, mark: h('mark', { tabindex: -1 }, slice(from, to)) };
      cited.push(made);
      return made;
    },
    // finish puts the marks into the text. Where two overlap, the later one begins where the earlier ends.
    finish() {
      if (cited.length === 0) return;
      const parts = [];
      let at = 0;
      for (const { from, to, mark } of cited.sort((a, b) => a.from - b.from)) {
        const begin = Math.max(from, at);
        if (begin > from) mark.textContent = begin < to ? slice(begin, to) : '';
        parts.push(slice(at, begin), mark);
        at = Math.max(at, to);
      }
      passage.replaceChildren(...parts, slice(at));
    },
  };
}
