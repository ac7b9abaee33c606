// What adding would do, before it is done: the server goes through everything and writes nothing.

import * as api from './api.js';
import { button, h, number, plural } from './dom.js';
import { parts, reason } from './upload.js';

const SHOWN = 100;

// preview asks the server about sources, part by part, and answers the sums of what it says.
export async function preview(collection, sources, signal) {
  const sum = { counts: {}, total: 0, chunks: 0, tokens: 0, new_tokens: 0, duplicates: 0, estimated_ms: 0, results: [], failures: [] };
  for (const source of sources) {
    try {
      for await (const part of parts(source)) {
        const answer = await (part.body ? api.previewFiles(collection, part.body, signal) : api.previewDocuments(collection, part.lines.join('\n'), signal));
        for (const key of ['total', 'chunks', 'tokens', 'new_tokens', 'duplicates', 'estimated_ms']) sum[key] += answer[key];
        for (const [status, n] of Object.entries(answer.counts)) sum.counts[status] = (sum.counts[status] ?? 0) + n;
        sum.results.push(...answer.results.slice(0, SHOWN - sum.results.length));
      }
    } catch (error) {
      if (error instanceof api.Unreachable || error.name === 'AbortError') throw error;
      sum.failures.push({ name: source.name, reason: error.param === undefined ? error.message : reason(error) });
    }
  }
  return sum;
}

const words = { created: 'new', updated: 'replaces what is there', unchanged: 'unchanged', failed: 'fails' };

// previewed shows a preview, with the question whether to go on.
export function previewed(sum, add, leave) {
  const seconds = Math.ceil(sum.estimated_ms / 1000);
  const time = sum.new_tokens === 0 ? 'the model has nothing to read' : `the model would read ${plural(sum.new_tokens, 'token')} in about ${plural(seconds, 'second')}`;
  const counts = Object.keys(words).filter((status) => sum.counts[status]).map((status) => `${number(sum.counts[status])} ${words[status]}`);
  if (sum.failures.length > 0) counts.push(`${plural(sum.failures.length, 'file')} cannot be read`);
  const rows = [
    ...sum.failures.map(({ name, reason }) => h('li', null, h('b', { dir: 'auto' }, name), ` ${reason}`)),
    ...sum.results.map((r) => h('li', null, h('b', { dir: 'auto' }, r.id || r.error?.param || ''),
      ` ${words[r.status] ?? r.status}`, r.error ? `: ${r.error.message}` : `, ${plural(r.chunks, 'chunk')}, ${plural(r.tokens, 'token')}`,
      r.duplicate_of ? [', the same text as ', h('b', { dir: 'auto' }, r.duplicate_of)] : '')),
  ];
  if (sum.total > sum.results.length) rows.push(h('li', null, `and ${number(sum.total - sum.results.length)} more`));
  const go = button('Add', add, 'button primary');
  go.disabled = sum.total === (sum.counts.failed ?? 0);
  return [
    h('div', { class: 'heading' }, h('p', { class: 'summary' }, `Not added yet: ${counts.join(', ') || 'nothing'}`), h('div', { class: 'row' }, go, button('Leave it', leave, 'plain'))),
    h('p', { class: 'quiet' }, `${plural(sum.chunks, 'chunk')}, ${plural(sum.tokens, 'token')}; ${time}${sum.duplicates ? `; ${plural(sum.duplicates, 'duplicate')}` : ''}`),
    h('ul', { class: 'failures', role: 'list', tabindex: 0, 'aria-label': 'What would be added' }, rows),
  ];
}
