// What is being taken in, and what became of it: the jobs of a collection, followed while they run.

import * as api from './api.js';
import { button, h, number, plural } from './dom.js';

const SHOWN = 5;
const LOOKED_AT = 50; // the newest of all collections
const SOON = 1000; // ms until the next look, while something runs
const LATER = 3000;
const SHOWN_FAILURES = 50;

// jobList makes the list. onProgress is called while a job runs, onDone when one has ended that was running.
export function jobList(onProgress, onDone) {
  const list = h('ul', { class: 'jobs', role: 'list' });
  const element = h('section', { class: 'card', 'aria-labelledby': 'jobs-heading', hidden: true }, h('h2', { id: 'jobs-heading' }, 'Jobs'), list);
  const rows = new Map(); // by id: those that run are changed in place, so that the focus stays
  let stop = new AbortController();
  let unfinished = new Set();

  const show = (jobs) => {
    const keep = new Set(jobs.map(({ id }) => id));
    for (const id of rows.keys()) if (!keep.has(id)) rows.delete(id);
    for (const job of jobs) {
      if (!rows.has(job.id)) rows.set(job.id, row());
      rows.get(job.id).update(job);
    }
    list.replaceChildren(...jobs.map(({ id }) => rows.get(id).element));
    element.hidden = jobs.length === 0;
  };

  const look = async (collection, { signal }) => {
    const { jobs } = await api.jobs(LOOKED_AT, signal);
    if (signal.aborted) return false;
    const mine = jobs.filter((job) => job.collection === collection);
    const running = new Set(mine.filter((job) => !api.finished(job)).map(({ id }) => id));
    if (running.size > 0) onProgress();
    if (mine.some(({ id }) => unfinished.has(id) && !running.has(id))) onDone();
    unfinished = running;
    show([...mine.filter(({ id }) => running.has(id)), ...mine.filter(({ id }) => !running.has(id))].slice(0, Math.max(SHOWN, running.size)));
    return running.size > 0;
  };

  return {
    element,
    // follow looks now, and then as often as something may have changed, until stop.
    async follow(collection) {
      stop.abort();
      const mine = (stop = new AbortController());
      while (!mine.signal.aborted) {
        const soon = !document.hidden && await look(collection, mine).catch(() => false); // the list of documents says if the server is gone
        await new Promise((wake) => {
          const timer = setTimeout(wake, soon ? SOON : LATER);
          mine.signal.addEventListener('abort', () => { clearTimeout(timer); wake(); });
        });
      }
    },
    stop: () => stop.abort(),
  };
}

function row() {
  const what = h('p');
  const actions = h('div', { class: 'row' });
  const below = h('div');
  let state = '';
  return {
    element: h('li', null, h('div', { class: 'heading' }, what, actions), below),
    update(job) {
      const done = job.done + job.failed;
      what.replaceChildren(h('b', null, words[job.status] ?? job.status), ` ${describe(job, done)}`);
      if (!api.finished(job)) {
        const bar = below.querySelector('progress') ?? h('progress', { 'aria-label': 'Job' });
        bar.max = Math.max(job.total, 1);
        bar.value = done;
        if (!bar.isConnected) below.replaceChildren(bar);
      }
      if (state === job.status) return;
      state = job.status;
      actions.replaceChildren(...(api.finished(job) ? finishedActions(job, below) : [button('Cancel', () => api.cancel(job.id).catch((error) => below.replaceChildren(failed(error))), 'plain')]));
      if (api.finished(job)) below.replaceChildren(...(job.error ? [h('p', { class: 'wrong' }, job.error)] : []));
    },
  };
}

const words = { receiving: 'Receiving', queued: 'Waiting', running: 'Running', done: 'Done', failed: 'Failed', cancelled: 'Cancelled' };
const failed = (error) => h('p', { class: 'wrong', role: 'alert' }, error.text ?? error.message);

function describe(job, done) {
  const kind = job.kind === 'reembed' ? 'embedding again, ' : '';
  const left = job.eta_ms > 1000 ? `, about ${number(Math.ceil(job.eta_ms / 1000))} s left` : '';
  const when = job.finished_at ? `, ${new Date(job.finished_at).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' })}` : '';
  const count = api.finished(job) ? plural(job.done, 'document') : `${number(done)} of ${plural(job.total, 'document')}`;
  return `${kind}${count}${job.failed ? `, ${number(job.failed)} failed` : ''}${left}${when}`;
}

function finishedActions(job, below) {
  if (job.failed === 0) return [];
  const again = async ({ target }) => {
    try {
      await api.retry(job.id);
      target.remove();
    } catch (error) {
      below.replaceChildren(failed(error));
    }
  };
  return [button('Try again', again, 'plain'), button('What failed', async ({ target }) => {
    try {
      const { results } = await api.job(job.id);
      below.replaceChildren(failures(results.filter(({ status }) => status === 'failed')));
      target.remove();
    } catch (error) {
      below.replaceChildren(failed(error));
    }
  }, 'plain')];
}

function failures(list) {
  const items = list.slice(0, SHOWN_FAILURES).map(({ id, error }) => h('li', null, h('b', { dir: 'auto' }, id || error?.param || ''), ` ${error?.message ?? ''}`));
  if (list.length > SHOWN_FAILURES) items.push(h('li', null, `and ${number(list.length - SHOWN_FAILURES)} more`));
  return h('ul', { class: 'failures', role: 'list', tabindex: 0, 'aria-label': 'What failed' }, items);
}
