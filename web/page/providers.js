// The providers view: where models run, and what was asked of them.

import * as api from './api.js';
import { confirmDelete } from './confirm.js';
import { button, h } from './dom.js';
import { failure } from './states.js';
import { usage } from './usage.js';

// types are the kinds of providers, as the server names them.
const types = {
  huggingface: { label: 'Hugging Face, hosted', endpoint: 'its own' },
  openai: { label: 'OpenAI-compatible', endpoint: 'https://api.openai.com/v1' },
  tgi: { label: 'text-generation-inference', endpoint: 'http://localhost:8081', required: true },
  tei: { label: 'text-embeddings-inference', endpoint: 'http://localhost:8082', required: true },
};

let page = null;
let list = null;

export function open(context, params) {
  const first = page === null;
  page = context;
  if (first) {
    list = h('div');
    page.root.replaceChildren(h('div', { class: 'heading' }, h('h2', null, 'Providers'), button('Add a provider', (event) => openForm(event.target))), list, usage(page, params));
  }
  load();
}

export function close() {
  page = null;
}

async function load() {
  const into = list;
  try {
    const providers = await api.providers();
    into.replaceChildren(providers.length > 0 ? h('ul', { class: 'providers', role: 'list' }, providers.map(item))
      : h('div', { class: 'state' }, h('h3', null, 'This process does it all'),
        h('p', null, 'Embeddings, search, sentiment, summaries and answers work without a provider. One that generates text adds completions, comparisons and translations.')));
  } catch (error) {
    into.replaceChildren(failure(error, load));
  }
}

function item(provider) {
  const { provider_id: id, configuration } = provider;
  const below = h('div', { role: 'status' });
  const act = (text, run) => button(text, async ({ target }) => {
    target.disabled = true;
    try {
      await run();
    } catch (error) {
      below.replaceChildren(h('p', { class: 'wrong' }, error.text ?? error.message));
    } finally {
      target.disabled = false;
    }
  }, 'plain');
  const facts = [types[provider.provider_type]?.label ?? provider.provider_type, provider.api_endpoint, configuration.default_model, configuration.embedding_model,
    configuration.api_key && `key ${configuration.api_key}`, provider.is_active ? '' : 'not active'];
  return h('li', { class: 'card' },
    h('div', { class: 'heading' }, h('h3', { dir: 'auto' }, provider.name, provider.is_default && h('span', { class: 'badge' }, 'default')), h('div', { class: 'row' },
      act('Test', () => tested(id, below)),
      !provider.is_default && act('Make default', async () => { await api.patchProvider(id, { is_default: true }); await load(); }),
      act('Remove', async () => {
        if (await confirmDelete(provider.name, () => api.removeProvider(id), 'Remove this provider and its key?')) await load();
      }))),
    h('p', { class: 'quiet facts' }, facts.filter(Boolean).join(' · ')), below);
}

// tested shows every request of a test: what was tried, what came back, and what to do about it.
async function tested(id, below) {
  below.replaceChildren(h('p', { class: 'quiet' }, 'Asking…'));
  const probe = await api.testProvider(id);
  below.replaceChildren(h('p', null, h('b', { class: probe.ok ? 'good' : 'wrong' }, probe.ok ? 'It works' : 'It does not work')),
    ...probe.warnings.map((warning) => h('p', { class: 'wrong' }, warning)),
    h('ul', { class: 'trials', role: 'list' }, probe.trials.map((trial) => h('li', null, h('code', null, trial.tried),
      h('p', { class: trial.fault ? 'wrong' : '' }, [trial.upstream_status || '', trial.answer].filter(Boolean).join(', '), h('span', { class: 'quiet' }, ` · ${Math.round(trial.took_ms)} ms`)),
      trial.advice && h('p', null, trial.advice)))));
}

function openForm(opener) {
  const field = (label, name, props = {}) => h('label', { class: 'field' }, label, h('input', { name, spellcheck: 'false', autocapitalize: 'off', ...props }));
  const type = h('select', { name: 'provider_type' }, Object.entries(types).map(([value, { label }]) => h('option', { value }, label)));
  const endpoint = field('Address', 'api_endpoint', { type: 'url' });
  const wrong = h('p', { class: 'wrong', role: 'alert' });
  const adapt = () => {
    const { endpoint: placeholder, required } = types[type.value];
    Object.assign(endpoint.querySelector('input'), { placeholder, required: Boolean(required) });
  };
  type.onchange = adapt;
  adapt();
  const form = h('form', { class: 'card', autocomplete: 'off', 'aria-label': 'Add a provider', onsubmit: (event) => {
    event.preventDefault();
    add(form, wrong, opener);
  } }, h('div', { class: 'fields' }, h('label', { class: 'field' }, 'Type', type), field('Name', 'name', { required: true }), endpoint,
    field('Key', 'api_key', { type: 'password', autocomplete: 'off', placeholder: 'it is kept encrypted, and never shown again' }),
    field('Model that generates', 'default_model'), field('Model that embeds', 'embedding_model')),
  h('label', { class: 'choice' }, h('input', { type: 'checkbox', name: 'is_default' }), 'Ask it where a request names none'), wrong,
  h('div', { class: 'row' }, h('button', { type: 'submit', class: 'button primary' }, 'Add'), button('Cancel', () => closeForm(form, opener))));
  opener.hidden = true;
  list.before(form);
  type.focus();
}

function closeForm(form, opener) {
  form.remove();
  opener.hidden = false;
  opener.focus();
}

async function add(form, wrong, opener) {
  const { provider_type: type, name, api_endpoint: endpoint, is_default: preferred, ...configuration } = Object.fromEntries(new FormData(form));
  try {
    await api.addProvider({
      provider_type: type, name, ...(endpoint && { api_endpoint: endpoint }), is_default: Boolean(preferred),
      configuration: Object.fromEntries(Object.entries(configuration).filter(([, value]) => value !== '')),
    });
    closeForm(form, opener);
    load();
  } catch (error) {
    wrong.textContent = error.text ?? error.message;
  }
}
