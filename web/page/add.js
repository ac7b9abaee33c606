// The box for new text and files: writing, choosing, dropping and pasting, then progress and what became of it.

import { $, button, h, number, plural } from './dom.js';
import { refusal, sourcesOf, written } from './files.js';
import { preview, previewed } from './preview.js';
import { upload } from './upload.js';

const SHOWN_FAILURES = 50;
let queue = Promise.resolve();

// setUp connects the box. collection() names where things go; changed() is called when something has been added.
export function setUp({ collection, changed }) {
  const take = (sources, refused = []) => {
    const act = $('add-preview').checked && sources.length > 0 ? show : run;
    queue = queue.then(() => act(collection(), sources, refused, changed));
  };
  const takeFiles = (files) => {
    const refused = [...files].map((file) => ({ name: file.name, reason: refusal(file) })).filter(({ reason }) => reason);
    take(sourcesOf([...files].filter((file) => !refusal(file))), refused);
  };
  $('add-toggle').onclick = () => ($('add').hidden ? openAdd() : closeAdd());
  $('add-close').onclick = closeAdd;
  $('add-form').onsubmit = (event) => {
    event.preventDefault();
    submit(take);
  };
  $('add-files').onchange = ({ target }) => {
    takeFiles(target.files);
    target.value = '';
  };
  acceptDrops(takeFiles);
  acceptPaste(takeFiles);
}

export function openAdd() {
  $('add').hidden = false;
  $('add-toggle').setAttribute('aria-expanded', 'true');
  $('add-text').focus();
}

export function closeAdd() {
  $('add').hidden = true;
  $('add-toggle').setAttribute('aria-expanded', 'false');
  $('add-toggle').focus();
}

function submit(take) {
  const text = $('add-text').value;
  if (!text.trim()) {
    $('add-text').focus();
    return;
  }
  take([written($('add-title').value, text)]);
  $('add-form').reset();
  $('add-title').focus();
}

function acceptDrops(takeFiles) {
  const carriesFiles = (event) => event.dataTransfer?.types.includes('Files');
  let depth = 0; // of elements entered and not yet left
  const show = () => { $('drop').hidden = depth <= 0; };
  const on = (type, act) => addEventListener(type, (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    act(event);
    show();
  });
  on('dragenter', () => depth++);
  on('dragleave', () => depth--);
  on('dragover', () => {});
  on('drop', (event) => {
    depth = 0;
    takeFiles(event.dataTransfer.files);
  });
}

function acceptPaste(takeFiles) {
  addEventListener('paste', (event) => {
    const { files } = event.clipboardData;
    const text = event.clipboardData.getData('text/plain');
    if (files.length > 0) {
      event.preventDefault();
      takeFiles(files);
    } else if (text && !event.target.closest?.('input, textarea')) {
      event.preventDefault();
      openAdd();
      $('add-text').value = text;
    }
  });
}

// show asks what would be added, and adds it on a yes.
async function show(collection, sources, refused, changed) {
  const stop = new AbortController();
  panel(h('div', { class: 'heading' }, h('p', null, 'Looking at ', h('b', { dir: 'auto' }, namesOf(sources)), '…'), button('Stop', () => stop.abort(), 'plain')));
  let sum;
  try {
    sum = await preview(collection, sources, stop.signal);
  } catch (error) {
    if (stop.signal.aborted) panel();
    else panel(h('div', { class: 'heading' }, h('p', { role: 'alert', class: 'wrong' }, error.text ?? error.message), dismiss()));
    return;
  }
  sum.failures.push(...refused);
  panel(...previewed(sum, () => { queue = queue.then(() => run(collection, sources, refused, changed)); }, () => panel()));
  $('said').textContent = 'This is what would be added. Nothing is added yet.';
}

const namesOf = (sources) => sources.map(({ name }) => name).join(', ');

async function run(collection, sources, refused, changed) {
  const stop = new AbortController();
  const view = progressView(sources, () => stop.abort());
  try {
    const outcome = sources.length > 0 ? await upload(collection, sources, stop.signal, view.show) : null;
    report(outcome, refused);
  } catch (error) {
    interrupted(error, () => { queue = queue.then(() => run(collection, sources, refused, changed)); });
  }
  if (sources.length > 0) changed();
}

function progressView(sources, stop) {
  const what = namesOf(sources);
  const bar = h('progress', { max: 1, value: 0, 'aria-label': `Adding ${what}` });
  const text = h('span', { class: 'quiet' }, 'Sending…');
  panel(h('div', { class: 'heading' }, h('p', null, 'Adding ', h('b', { dir: 'auto' }, what)), button('Stop', stop, 'plain')), bar, text);
  return {
    show({ fraction, done, eta, lost }) {
      if (lost) {
        text.textContent = 'The server does not answer. What it has taken is kept; trying again…';
        return;
      }
      bar.value = fraction;
      text.textContent = `${plural(done, 'document')} done${eta > 1000 ? `, about ${Math.ceil(eta / 1000)} s left for this part` : ''}`;
    },
  };
}

const panel = (...children) => {
  $('intake').replaceChildren(...children.filter(Boolean));
  $('intake').hidden = children.length === 0;
};
const dismiss = () => button('Dismiss', () => panel(), 'plain');

function report(outcome, refused) {
  const failures = [...refused, ...(outcome?.failures ?? [])];
  const counts = ['created', 'updated', 'unchanged'].filter((kind) => outcome?.[kind]).map((kind) => `${number(outcome[kind])} ${kind}`);
  if (failures.length > 0) counts.push(`${number(failures.length)} failed`);
  const summary = `${outcome?.stopped ? 'Stopped. ' : ''}${counts.join(', ') || 'Nothing was added'}`;
  $('said').textContent = summary;
  panel(h('div', { class: 'heading' }, h('p', { class: 'summary' }, summary), dismiss()), failureList(failures));
}

function failureList(failures) {
  if (failures.length === 0) return null;
  const items = failures.slice(0, SHOWN_FAILURES).map(({ name, reason }) => h('li', null, h('b', { dir: 'auto' }, name), ` ${reason}`));
  if (failures.length > SHOWN_FAILURES) items.push(h('li', null, `and ${number(failures.length - SHOWN_FAILURES)} more`));
  return h('ul', { class: 'failures', role: 'list', tabindex: 0, 'aria-label': 'What failed' }, items);
}

function interrupted(error, again) {
  panel(h('div', { class: 'heading' }, h('p', { role: 'alert', class: 'wrong' }, `${error.text ?? error.message} What it has taken is kept.`), dismiss()),
    button('Try again', again));
}
