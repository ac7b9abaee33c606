// A document as it is searched: its chunks, with the bytes that each stands for, beside the text with one of them marked.

import { h, number, plural } from './dom.js';
import { slicer } from './bytes.js';
import { reader } from './reader.js';

const AT_ONCE = 200; // chunks put into the page at a time
const BEGINNING = 200; // bytes of a chunk that its row shows

export function inspector(doc) {
  const { chunks } = doc;
  const text = slicer(doc.text);
  let chosen = 0;
  let view = reader(doc, chunks[0]);
  const place = h('div', null, view.element);
  const list = h('ul', { class: 'chunks', role: 'listbox', tabindex: 0, 'aria-label': plural(chunks.length, 'chunk') });
  let made = 0;
  const id = (i) => `chunk-${doc.id}-${i}`;
  const more = () => {
    const some = chunks.slice(made, made + AT_ONCE);
    list.append(...some.map((chunk, i) => option(chunk, id(made + i), text(chunk.start, Math.min(chunk.end, chunk.start + BEGINNING)))));
    made += some.length;
  };
  const choose = (i) => {
    while (made <= i && made < chunks.length) more();
    list.children[chosen].setAttribute('aria-selected', 'false');
    chosen = i;
    list.children[i].setAttribute('aria-selected', 'true');
    list.setAttribute('aria-activedescendant', id(i));
    list.children[i].scrollIntoView({ block: 'nearest' });
    view = reader(doc, chunks[i]);
    place.replaceChildren(view.element);
    view.show();
  };
  more();
  list.children[0].setAttribute('aria-selected', 'true');
  list.setAttribute('aria-activedescendant', id(0));
  list.addEventListener('click', ({ target }) => {
    const i = [...list.children].indexOf(target.closest('li'));
    if (i >= 0) choose(i);
  });
  list.addEventListener('scroll', () => { if (list.scrollTop + list.clientHeight > list.scrollHeight - 40) more(); });
  list.addEventListener('keydown', (event) => {
    const to = { ArrowDown: chosen + 1, ArrowUp: chosen - 1, Home: 0, End: chunks.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault(); // so that the keys of the page leave it alone, too
    if (to >= 0 && to < chunks.length) choose(to);
  });
  return { element: h('div', { class: 'inspector' }, list, place), show: () => view.show() };
}

function option(chunk, id, beginning) {
  return h('li', { role: 'option', id, 'aria-selected': 'false' },
    h('span', null, `${chunk.index}`), h('span', { class: 'quiet' }, `bytes ${number(chunk.start)}–${number(chunk.end)}`),
    h('span', { class: 'quiet' }, plural(chunk.tokens, 'token')), h('span', { dir: 'auto' }, beginning.replace(/\s+/g, ' ')));
}
