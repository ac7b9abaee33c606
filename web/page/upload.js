// Sources go to the server in parts, one job after the other, so that nothing grows with the size of a file.

import * as api from './api.js';
import { form } from './files.js';

const PART_DOCUMENTS = 500;
const PART_CHARACTERS = 2 ** 20;

// upload sends sources and answers what became of them: { created, updated, unchanged, failures, stopped }.
// progress is called with { fraction, done, eta, lost } as often as there is news.
export async function upload(collection, sources, signal, progress) {
  const outcome = { created: 0, updated: 0, unchanged: 0, failures: [], stopped: false };
  const size = sources.reduce((sum, source) => sum + source.size, 0) || 1;
  let before = 0;
  for (const source of sources) {
    let from = before;
    try {
      for await (const part of parts(source)) {
        if (signal.aborted) break;
        const to = before + part.at;
        const done = settled(outcome);
        await send(collection, part, outcome, signal, ({ share, count, ...rest }) =>
          progress({ fraction: (from + (to - from) * share) / size, done: done + count, ...rest }));
        from = to;
      }
    } catch (error) {
      if (error instanceof api.Unreachable) throw error;
      if (error.name !== 'AbortError') outcome.failures.push({ name: source.name, reason: error.text ?? error.message });
    }
    before += source.size;
  }
  outcome.stopped = signal.aborted;
  return outcome;
}

const settled = ({ created, updated, unchanged, failures }) => created + updated + unchanged + failures.length;

// parts cuts a source into what one request takes.
export async function* parts(source) {
  if (source.parts) {
    yield* source.parts();
    return;
  }
  let part = { lines: [], labels: [], at: 0 };
  let length = 0;
  for await (const { line, label, at } of source.documents()) {
    if (part.lines.length >= PART_DOCUMENTS || (length > 0 && length + line.length > PART_CHARACTERS)) {
      yield part;
      part = { lines: [], labels: [], at };
      length = 0;
    }
    part.lines.push(line);
    part.labels.push(label);
    part.at = at;
    length += line.length;
  }
  if (part.lines.length === 0 && part.at === 0) throw new Error('has no document in it');
  if (part.lines.length > 0) yield part;
}

async function send(collection, part, outcome, signal, progress) {
  let job;
  try {
    job = part.body ? await api.addFiles(collection, part.body, signal) : await api.add(collection, part.lines.join('\n'), signal);
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    if (part.labels.length === 1) outcome.failures.push({ name: part.labels[0], reason: reason(error) });
    else await oneByOne(collection, part, outcome, signal, progress); // none was good, and only the first is told about
    return;
  }
  const stop = () => api.cancel(job.id).catch(() => {});
  signal.addEventListener('abort', stop);
  try {
    if (!api.finished(job)) await api.follow(job.id, (now) => progress(step(now)), () => progress({ share: 0, count: 0, lost: true }));
  } finally {
    signal.removeEventListener('abort', stop);
  }
  record(await api.job(job.id), part, outcome);
}

const TOLD = 20;

// oneByOne finds the reason of each of the first documents of a part that was refused as a whole.
async function oneByOne(collection, part, outcome, signal, progress) {
  for (const [i, label] of part.labels.entries()) {
    if (i >= TOLD) outcome.failures.push({ name: label, reason: 'was refused with the ones before' });
    else await send(collection, part.body ? form([part.files[i]]) : { lines: [part.lines[i]], labels: [label] }, outcome, signal, progress);
  }
}

const step = (job) => ({ share: job.total ? (job.done + job.failed) / job.total : 0, count: job.done + job.failed, eta: job.eta_ms });

function record(job, part, outcome) {
  for (const [i, result] of job.results.entries()) {
    if (result.status === 'failed') outcome.failures.push({ name: nameOf(result, i, part), reason: result.error ? reason(result.error) : 'failed' });
    else if (result.status in outcome) outcome[result.status]++;
  }
  if (job.status === 'failed' && job.error) outcome.failures.push({ name: 'The rest', reason: job.error });
}

// nameOf is what failed. A file gives any number of documents; one that could not be read is named by its place in the form.
function nameOf({ id, error }, i, part) {
  if (!part.body) return part.labels[i] ?? id;
  const [, place] = /^files\[(\d+)\]/.exec(error?.param) ?? [];
  return id || part.labels[place] || part.labels[0];
}

// reason says what is wrong, and leaves out the place in the request, which says nothing to somebody who dropped a file.
export function reason({ param = '', message }) {
  return `${param.replace(/^(documents|files)\[\d+\]\.?/, '')} ${message.replace(/^the body is/, 'is')}`.trim();
}
