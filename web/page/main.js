// The page around its views: which view and which collection are open, and what all views share. The address says both.

import * as address from './address.js';
import * as api from './api.js';
import { closeAdd, setUp } from './add.js';
import { $, h, plural } from './dom.js';
import { listen } from './keys.js';
import { failure } from './states.js';

// A view has open(page, params), which shows what the address says, and may have close(), for when another one is opened, and
// changed(), for when documents have been added. It is loaded when it is first opened.
const views = {
  search: () => import('./search.js'),
  documents: () => import('./documents.js'),
  tasks: () => import('./tasks.js'),
  providers: () => import('./providers.js'),
  map: () => import('./map.js'),
};

let view = null; // the module that is open
let name = ''; // its name
let collection = 'default';

const page = {
  root: $('view'),
  collection: () => collection,
  // remember writes what the view shows into the address.
  remember: (params) => address.write({ view: name === 'search' ? '' : name, ...params, collection: collection === 'default' ? '' : collection }),
  // go opens what params say, as if somebody had followed a link.
  go(params) {
    address.settle();
    address.write({ ...params, collection: collection === 'default' ? '' : collection });
    address.settle();
    return show();
  },
  refresh,
};

async function show() {
  const { view: wanted = 'search', ...params } = address.read();
  const next = Object.hasOwn(views, wanted) ? wanted : 'search';
  collection = params.collection || 'default';
  if (next !== name) {
    document.title = `${$('views').querySelector(`[data-view=${next}]`).textContent} – searchd`;
    view?.close?.();
    name = next;
    $('view-search').hidden = next !== 'search';
    $('view').hidden = next === 'search';
    $('view').replaceChildren();
  }
  links();
  const [module] = await Promise.all([views[next]().catch(() => null), refresh()]);
  if (name !== next) return; // another one has been opened meanwhile
  view = module;
  if (module) module.open(page, params);
  else unloaded();
}

// unloaded is a view whose module did not come. A browser may keep to that answer, so all is loaded anew.
function unloaded() {
  name = '';
  $('view-search').hidden = true;
  $('view').hidden = false;
  $('view').replaceChildren(failure(new api.Unreachable(), () => location.reload()));
}

// links marks the view that is open, and keeps the collection from view to view.
function links() {
  for (const link of $('views').children) {
    const params = new URLSearchParams();
    if (link.dataset.view !== 'search') params.set('view', link.dataset.view);
    if (collection !== 'default') params.set('collection', collection);
    link.search = params;
    if (link.dataset.view === name) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
}

// refresh reads which collections there are. The chooser is only there when there is something to choose.
async function refresh() {
  let list;
  try {
    list = await api.collections();
  } catch {
    return; // what the view asks for says what is wrong
  }
  const names = list.map((one) => one.name);
  if (!names.includes(collection) && collection !== 'default') names.push(collection);
  if (!names.includes('default') && names.length !== 1) names.unshift('default');
  if (names.length === 1) [collection] = names;
  links();
  $('collection').replaceChildren(...names.map((value) => h('option', { value, selected: value === collection }, value)));
  $('chooser').hidden = names.length < 2;
  const now = list.find((one) => one.name === collection);
  $('about').textContent = now ? `${plural(now.documents, 'document')} · ${plural(now.chunks, 'passage')} · ${now.model.split('/').pop()}` : '';
}

$('collection').onchange = ({ target }) => {
  collection = target.value;
  const { page: _, like: __, ...params } = address.read(); // which mean something else in another collection
  page.go(params);
};
$('views').onclick = (event) => {
  const { view: to } = event.target.dataset;
  if (!to || event.ctrlKey || event.metaKey || event.shiftKey) return; // which open a window of their own
  event.preventDefault();
  page.go({ view: to === 'search' ? '' : to });
};
addEventListener('popstate', () => {
  address.settle();
  show();
});
listen({
  closeAdd,
  search: () => (name === 'search' ? Promise.resolve() : page.go({})),
  clear: (field) => { field.value = ''; field.dispatchEvent(new Event('input', { bubbles: true })); },
  remove: (item) => item.querySelector('.delete').click(),
});
setUp({
  collection: () => collection,
  changed: () => { refresh(); view?.changed?.(); },
});
show();
