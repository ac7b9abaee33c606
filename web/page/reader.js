// A whole document, with the passage that was found marked in it.

import { button, h, plural } from './dom.js';
import { cut } from './bytes.js';

// A very long text is first shown around its passage only: laying out megabytes would freeze the page.
const AROUND = 20_000;

export function reader(doc, chunk) {
  const [before, found, after] = cut(doc.text, chunk.start, chunk.end);
  const mark = h('mark', { class: (before + after).trim() === '' && 'all' }, found);
  const text = h('div', { class: 'full', tabindex: 0, role: 'region', 'aria-label': 'Full text', dir: 'auto' });
  const fill = (around) => {
    const head = before.length > around ? `…${before.slice(-around)}` : before;
    const tail = after.length > around ? `${after.slice(0, around)}…` : after;
    text.replaceChildren(head, mark, tail);
  };
  fill(AROUND);
  const long = Math.max(before.length, after.length) > AROUND;
  const all = long && button('Show the whole text', () => { fill(Infinity); all.remove(); show(); }, 'plain');
  const show = () => { text.scrollTop = mark.offsetTop - text.offsetTop - text.clientHeight / 4; };
  return { element: h('div', { class: 'reader' }, text, all, facts(doc)), show };
}

function facts(doc) {
  const day = new Date(doc.updated_at).toLocaleDateString('en-GB', { dateStyle: 'medium' });
  return h('p', { class: 'quiet facts' }, h('span', { class: 'id', dir: 'auto' }, doc.id),
    ` · ${plural(doc.chunk_count, 'passage')} · ${plural(doc.tokens, 'token')} · changed ${day}`);
}
