// The server, as this page sees it. A failed call is an ApiError (the server said no) or Unreachable (it said nothing).

export class ApiError extends Error {
  constructor(status, error) {
    super(error?.message || `the server answered ${status}`);
    this.status = status;
    this.param = error?.param || '';
    this.requestId = error?.request_id || '';
  }

  // text is the message with the field that it is about.
  get text() {
    return this.param ? `${this.param} ${this.message}` : this.message;
  }
}

export class Unreachable extends Error {
  get text() {
    return 'The server does not answer.';
  }
}

export async function call(method, path, { body, type = 'application/json', signal } = {}) {
  let response;
  let answer;
  try {
    response = await fetch(path, { method, body, signal, headers: body == null || body instanceof FormData ? {} : { 'Content-Type': type } });
    answer = await response.text();
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Unreachable(error.message);
  }
  let value;
  try {
    value = JSON.parse(answer);
  } catch {
    if (response.ok) throw new ApiError(response.status, { message: 'the answer is not JSON; is this a searchd server?' });
  }
  if (!response.ok) throw new ApiError(response.status, value?.error);
  return value;
}

export const within = (collection, path) => (collection === 'default' ? path : `/collections/${encodeURIComponent(collection)}${path}`);
const documentPath = (collection, id) => within(collection, `/documents/${encodeURIComponent(id)}`);

// search takes the filter as JSON text: going through a number of JavaScript would change large ones.
export function search(collection, request, filter, signal) {
  const rest = JSON.stringify(request);
  const body = filter ? `${rest.slice(0, -1)},"filter":${filter}}` : rest;
  return call('POST', within(collection, '/search'), { body, signal });
}

export async function count(collection, filter, signal) {
  const path = within(collection, '/documents?limit=1') + (filter ? `&filter=${encodeURIComponent(filter)}` : '');
  return (await call('GET', path, { signal })).total;
}

// list is a page of documents, without their texts.
export function list(collection, { filter, cursor, limit }, signal) {
  const params = new URLSearchParams({ limit, ...(filter && { filter }), ...(cursor && { cursor }) });
  return call('GET', within(collection, `/documents?${params}`), { signal });
}

// removeMatching deletes what meets a filter, given as JSON text.
export const removeMatching = (collection, filter) => call('POST', within(collection, '/documents/delete'), { body: `{"filter":${filter}}` });

export const jobs = (limit, signal) => call('GET', `/jobs?limit=${limit}`, { signal });

// map is the collection in two dimensions.
export function map(collection, params, signal) {
  const given = Object.entries(params).filter(([, value]) => value !== '');
  return call('GET', within(collection, `/map?${new URLSearchParams(given)}`), { signal });
}

export const providers = async () => (await call('GET', '/providers')).providers;
const providerPath = (id, rest = '') => `/providers/${encodeURIComponent(id)}${rest}`;
export const addProvider = (provider) => call('POST', '/providers', { body: JSON.stringify(provider) });
export const patchProvider = (id, patch) => call('PATCH', providerPath(id), { body: JSON.stringify(patch) });
export const removeProvider = (id) => call('DELETE', providerPath(id));
export const testProvider = (id) => call('POST', providerPath(id, '/test'));
export const usage = (params) => call('GET', `/usage?${new URLSearchParams(params)}`);
export const models = async (task) => (await call('GET', `/models?task=${task}`)).models;

// fields are the collection's metadata keys, the first hundred.
export const fields = async (collection) => (await call('GET', within(collection, '/fields?limit=100'))).fields;
export const collections = async () => (await call('GET', '/collections?limit=1000')).collections;
export const read = (collection, id) => call('GET', documentPath(collection, id));
export const remove = (collection, id) => call('DELETE', documentPath(collection, id));

// add sends documents, one a line, and answers the job as it stands when they are kept.
export const add = async (collection, lines, signal) =>
  (await call('POST', within(collection, '/documents?wait=0'), { body: lines, type: 'application/x-ndjson', signal })).job;
// addFiles sends files as they are.
export const addFiles = async (collection, form, signal) => (await call('POST', within(collection, '/documents?wait=0'), { body: form, signal })).job;
// previewDocuments and previewFiles answer what adding would do; nothing is written.
export const previewDocuments = async (collection, lines, signal) =>
  (await call('POST', within(collection, '/documents?dry_run=true'), { body: lines, type: 'application/x-ndjson', signal })).preview;
export const previewFiles = async (collection, form, signal) => (await call('POST', within(collection, '/documents?dry_run=true'), { body: form, signal })).preview;
export const retry = (id) => call('POST', `/jobs/${encodeURIComponent(id)}/retry?wait=0`);

export const collection = (name) => call('GET', `/collections/${encodeURIComponent(name)}`);
export const reembed = (name, model) => call('POST', `/collections/${encodeURIComponent(name)}/reembed?wait=0`, { body: JSON.stringify({ model }) });
export const removePrevious = (name) => call('DELETE', `/collections/${encodeURIComponent(name)}/previous`);
export const job = async (id) => (await call('GET', `/jobs/${encodeURIComponent(id)}`)).job;
export const cancel = (id) => call('DELETE', `/jobs/${encodeURIComponent(id)}`);

// intake is a job that is adding documents to a collection, if there is one.
export async function intake(collection, signal) {
  return (await jobs(50, signal)).jobs.find((one) => one.collection === collection && one.kind !== 'reembed' && !finished(one));
}

export const finished = ({ status }) => status === 'done' || status === 'failed' || status === 'cancelled';

// follow calls onJob for every step of a job, and onLost when the connection breaks; the browser then connects again by
// itself. It resolves when the job is finished.
export function follow(id, onJob, onLost) {
  return new Promise((resolve, reject) => {
    const source = new EventSource(`/jobs/${encodeURIComponent(id)}?watch=1`);
    source.addEventListener('job', (event) => {
      const now = JSON.parse(event.data);
      onJob(now);
      if (!finished(now)) return;
      source.close();
      resolve(now);
    });
    source.addEventListener('error', () => {
      if (source.readyState === EventSource.CLOSED) reject(new Unreachable());
      else onLost();
    });
  });
}
