// The tasks view: what models can do with texts, here or at a provider, with the request as a command.

import * as api from './api.js';
import { curl } from './curl.js';
import { button, h } from './dom.js';
import { answer, comparison, completion, sentiment, summary, translation } from './results.js';
import { events } from './sse.js';

const local = 'local';

// tasks say what is asked (fields), which types of providers can do it (by), and how the result is shown.
const tasks = [
  {
    id: 'answer', title: 'Answer', path: '/answer', inCollection: true, by: [local, 'huggingface', 'tgi', 'openai'], models: 'text-generation', streams: true, show: answer,
    fields: [{ name: 'question', label: 'Question', placeholder: 'Ask something that the documents say' }, { name: 'limit', label: 'Passages', number: true, min: 1, max: 50, placeholder: '5' }],
  },
  {
    id: 'complete', title: 'Complete', path: '/complete', by: ['huggingface', 'tgi', 'openai'], models: 'text-generation', streams: true, show: completion,
    fields: [{ name: 'prompt', label: 'Prompt', rows: 5 }, ...generation(), { name: 'task_type', label: 'Kind of text', options: ['', 'conversation', 'summarization', 'sentiment', 'code', 'creative'] }],
  },
  {
    id: 'compare', title: 'Compare', path: '/compare', by: ['huggingface', 'tgi', 'openai'], models: 'text-generation', many: true, show: comparison,
    fields: [{ name: 'prompt', label: 'Prompt', rows: 5 }, ...generation()],
  },
  {
    id: 'summarize', title: 'Summarize', path: '/summarize', by: [local, 'huggingface', 'tgi', 'openai'], models: 'summarization', show: summary,
    fields: [{ name: 'text', label: 'Text', rows: 8 }, { name: 'max_length', label: 'Words at most', number: true, min: 1, max: 10000, placeholder: '100' }],
  },
  {
    id: 'sentiment', title: 'Sentiment', path: '/sentiment', by: [local, 'huggingface', 'tei', 'tgi', 'openai'], models: 'text-classification', show: sentiment,
    fields: [{ name: 'text', label: 'Text', rows: 5 }],
  },
  {
    id: 'translate', title: 'Translate', path: '/translate', by: ['huggingface', 'tgi', 'openai'], models: 'translation', show: translation,
    fields: [{ name: 'text', label: 'Text', rows: 5 }, { name: 'source', label: 'From (as the model names it)' }, { name: 'target', label: 'To (as the model names it)' }],
  },
];

function generation() {
  return [{ name: 'temperature', label: 'Temperature', number: true, min: 0, max: 2, step: 0.1 }, { name: 'max_tokens', label: 'Tokens at most', number: true, min: 1, max: 100000 }];
}

let page = null;
let chosen = '';
let running = null;

export async function open(context, params) {
  const task = tasks.find(({ id }) => id === params.task) ?? tasks[0];
  if (page && chosen === task.id) return;
  running?.abort();
  page = context;
  chosen = task.id;
  const { root } = page;
  const form = h('div', { 'aria-busy': 'true' });
  root.replaceChildren(h('h2', { class: 'hidden' }, 'Tasks'),
    h('nav', { class: 'kinds', 'aria-label': 'Tasks' }, tasks.map((one) => kind(one, one === task))), form);
  const [providers, models] = await Promise.all([api.providers(), api.models(task.models)].map((asked) => asked.catch(() => []))); // the request itself says what is wrong
  if (!form.isConnected) return;
  form.removeAttribute('aria-busy');
  form.append(...panel(task, providers, models));
  form.querySelector('textarea, input')?.focus();
}

export function close() {
  running?.abort();
  page = null;
}

function kind({ id, title }, current) {
  const params = new URLSearchParams({ view: 'tasks', task: id, ...(page.collection() !== 'default' && { collection: page.collection() }) });
  return h('a', { class: 'button', href: `/?${params}`, 'aria-current': current && 'page', onclick: (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    page.go({ view: 'tasks', task: id });
  } }, title);
}

const able = (task, providers) => providers.filter((one) => one.is_active && task.by.includes(one.provider_type) && one.provider_id !== local);

function panel(task, providers, models) {
  const usable = able(task, providers);
  if (usable.length === 0 && !task.by.includes(local)) return [unconfigured(task)];
  const [asked, ...others] = task.fields.map(field); // what it is about stands first
  const inputs = [asked, providerField(task, usable), task.many ? modelsField(models) : modelField(models), ...others];
  const path = () => (task.inCollection ? api.within(page.collection(), task.path) : task.path);
  const body = () => Object.assign({}, ...inputs.map(({ read }) => read()), task.streams && { stream: true });
  const command = h('pre', { tabindex: 0, 'aria-label': 'The request as a command' });
  const update = () => { command.textContent = curl(path(), body(), task.streams); };
  const result = h('section', { class: 'result', 'aria-live': 'polite', 'aria-label': 'Result' });
  const stop = button('Stop', () => running?.abort(), 'button');
  const go = h('button', { type: 'submit', class: 'button primary' }, task.title);
  stop.hidden = true;
  const form = h('form', { class: 'task', autocomplete: 'off', oninput: update, onsubmit: (event) => {
    event.preventDefault();
    run(task, path(), body(), { result, stop, go });
  }, onkeydown: (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  } }, h('div', { class: 'fields' }, inputs.map(({ element }) => element)), h('div', { class: 'row' }, go, stop, h('span', { class: 'quiet roomy' }, 'Ctrl+Enter')));
  update();
  const copy = button('Copy', async () => {
    await navigator.clipboard.writeText(command.textContent);
    copy.textContent = 'Copied';
  }, 'plain');
  const shell = h('details', { class: 'shell' }, h('summary', null, 'The request as curl'), navigator.clipboard && copy, command);
  return [form, shell, result];
}

function unconfigured(task) {
  return h('div', { class: 'state' }, h('h2', null, 'Not configured'),
    h('p', null, `To ${task.title.toLowerCase()}, a model has to generate text, which this process does not do: add a provider of type ${task.by.join(', ')} under `,
      h('a', { href: '/?view=providers', onclick: (event) => { event.preventDefault(); page.go({ view: 'providers' }); } }, 'Providers'), ', or set HF_TOKEN for hosted Hugging Face.'));
}

function providerField(task, usable) {
  const fallback = usable.find((one) => one.is_default);
  const select = h('select', { id: 'task-provider' },
    (fallback || task.by.includes(local)) && h('option', { value: '' }, fallback ? `${fallback.name} (default)` : 'Default'),
    usable.filter((one) => one !== fallback).map((one) => h('option', { value: one.provider_id }, one.name)),
    task.by.includes(local) && h('option', { value: local }, 'This process'));
  return { element: h('label', { class: 'field' }, 'Provider', select), read: () => (select.value ? { provider: select.value } : {}) };
}

const suggestions = (models) => h('datalist', { id: 'task-models' }, models.map(({ id }) => h('option', { value: id })));

function modelField(models) {
  const input = h('input', { id: 'task-model', list: 'task-models', placeholder: 'the provider’s own', spellcheck: 'false', autocapitalize: 'off' });
  return { element: h('label', { class: 'field' }, 'Model', input, suggestions(models)), read: () => (input.value.trim() ? { model: input.value.trim() } : {}) };
}

function modelsField(models) {
  const list = h('div', { class: 'many' });
  const add = () => list.append(h('input', { list: 'task-models', 'aria-label': `Model ${list.children.length + 1}`, spellcheck: 'false', autocapitalize: 'off', required: list.children.length < 2 }));
  add();
  add();
  return {
    element: h('fieldset', { class: 'field' }, h('legend', null, 'Models'), list, suggestions(models), button('Another model', () => { add(); list.lastChild.focus(); }, 'plain')),
    read: () => ({ models: [...list.children].map((input) => input.value.trim()).filter(Boolean) }),
  };
}

function field({ name, label, rows, number, options, min, max, step, placeholder }) {
  const id = `task-${name}`;
  const required = ['text', 'prompt', 'question'].includes(name);
  let input;
  if (rows) input = h('textarea', { id, rows, required });
  else if (options) input = h('select', { id }, options.map((value) => h('option', { value }, value || 'any')));
  else input = h('input', { id, type: number ? 'number' : 'text', min, max, step, placeholder, required });
  return {
    element: h('label', { class: rows || name === 'question' ? 'field full-row' : 'field' }, label, input),
    read: () => (input.value.trim() === '' ? {} : { [name]: number ? Number(input.value) : input.value }),
  };
}

async function run(task, path, body, { result, stop, go }) {
  running?.abort();
  const mine = (running = new AbortController());
  stop.hidden = false;
  go.disabled = true;
  result.replaceChildren(h('p', { class: 'quiet' }, 'Asking…'));
  try {
    const view = task.show(result, page);
    if (task.streams) for await (const { name, data } of events(path, JSON.stringify(body), mine.signal)) view[name]?.(data);
    else view.done(await api.call('POST', path, { body: JSON.stringify(body), signal: mine.signal }));
  } catch (error) {
    if (error.name === 'AbortError') result.append(h('p', { class: 'quiet' }, 'Stopped.'));
    else result.append(h('p', { class: 'wrong', role: 'alert' }, error.param && [h('code', null, error.param), ' '], error.message || error.text,
      error.requestId && h('span', { class: 'quiet' }, ` · request ${error.requestId}`)));
  } finally {
    result.querySelector('.quiet:first-child')?.textContent === 'Asking…' && result.firstChild.remove();
    if (mine === running) {
      stop.hidden = true;
      go.disabled = false;
    }
  }
}
