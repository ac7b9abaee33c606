// Which model has read a collection, and how that is changed: another one reads the documents, beside what is searched.

import * as api from './api.js';
import { confirmDelete } from './confirm.js';
import { button, h, plural } from './dom.js';

const here = ({ runs }) => runs.some((where) => ['bundled', 'pulled', 'folder'].includes(where));
const short = (id) => id.split('/').at(-1);

// modelLine makes the line. collection() names the collection; begun is called when a job has been asked for.
export function modelLine(collection, begun) {
  const said = h('p', { class: 'quiet', id: 'model-line' });
  const panel = h('div', { id: 'model-panel', hidden: true });
  const toggle = button('Change the model', () => (panel.hidden ? open() : close()), 'plain');
  toggle.setAttribute('aria-expanded', 'false');
  toggle.setAttribute('aria-controls', 'model-panel');
  const element = h('section', { class: 'model', 'aria-label': 'Model' }, h('div', { class: 'row' }, said, toggle), panel);

  const close = () => {
    panel.hidden = true;
    toggle.setAttribute('aria-expanded', 'false');
  };
  const wrong = (error) => panel.replaceChildren(h('p', { class: 'wrong', role: 'alert' }, error.text ?? error.message));
  const change = async (model) => {
    try {
      await api.reembed(collection(), model);
      close();
      begun();
    } catch (error) {
      wrong(error);
    }
    look();
  };

  async function open() {
    panel.hidden = false;
    toggle.setAttribute('aria-expanded', 'true');
    panel.replaceChildren(h('p', { class: 'quiet' }, 'Looking…'));
    try {
      const [now, models] = await Promise.all([api.collection(collection()), api.models('sentence-similarity')]);
      panel.replaceChildren(...choices(now, models.filter((model) => here(model) && model.id !== now.model)));
      panel.querySelector('select, button')?.focus();
    } catch (error) {
      wrong(error);
    }
  }

  function choices(now, others) {
    if (now.building) return [h('p', { class: 'quiet' }, `${short(now.building.model)} is reading the documents: see the job. Until that is done, searches are answered as before.`)];
    const parts = [];
    if (others.length === 0) parts.push(h('p', { class: 'quiet' }, 'There is no other model here; ', h('code', null, 'searchd model pull ID'), ' brings one.'));
    else {
      const select = h('select', { 'aria-label': 'Another model' }, others.map(({ id, dimensions }) => h('option', { value: id }, `${id} (${dimensions} dimensions)`)));
      parts.push(h('div', { class: 'row' }, select, button('Embed again', () => change(select.value))),
        h('p', { class: 'quiet' }, 'The documents are read beside what is searched, and the change is made when all are read. What there is now is kept, to go back to.'));
    }
    if (now.previous) {
      const { model, documents } = now.previous;
      const remove = async () => {
        if (await confirmDelete(`What ${model} has read of ${plural(documents, 'document')}. The documents stay.`, () => api.removePrevious(collection()), 'Delete what is kept?')) open();
      };
      parts.push(h('div', { class: 'row' }, h('p', null, `Kept from before: ${short(model)}, ${plural(documents, 'document')}.`),
        button('Go back to it', () => change(model)), button('Delete it', remove, 'button danger')));
    }
    return parts;
  }

  async function look() {
    const name = collection();
    try {
      const now = await api.collection(name);
      if (name !== collection()) return;
      said.replaceChildren('Read by ', h('b', null, short(now.model)), now.building ? `; ${short(now.building.model)} is reading` : '');
      element.hidden = false;
    } catch {
      element.hidden = true; // the list says what is wrong
    }
  }

  return { element, look, close };
}
