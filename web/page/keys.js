// What keys do. "/" goes to the search box from anywhere, in whichever view; the others work where the focus is.

import { $ } from './dom.js';

const titles = () => [...document.querySelectorAll('.view:not([hidden]) .title')];
const box = () => document.querySelector('.view:not([hidden]) [data-box]'); // what is typed to find what stands below it
const STEPS = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 };

// listen starts it. actions are search(), clear(field), closeAdd() and remove(item).
export function listen(actions) {
  document.addEventListener('keydown', (event) => {
    const busy = event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey;
    if (busy || document.querySelector('dialog[open]')) return;
    if (handle(event, actions)) event.preventDefault();
  });
}

function handle(event, actions) {
  const { key, target } = event;
  const typing = target.matches('input, textarea, select');
  if (key === 'Escape') return escape(target, actions);
  if (key === '/' && !typing) return actions.search().then(focusQuery) && true;
  if (target === box()) return key === 'ArrowDown' && move(-1, 1);
  const hit = target.closest('.hit');
  if (!hit || typing || target.matches('.full')) return false;
  if (STEPS[key]) return move(titles().indexOf(hit.querySelector('.title')), STEPS[key]);
  if (key === 'Delete') return actions.remove(hit) || true;
  return false;
}

export function focusQuery() {
  $('query').focus();
  $('query').select();
  return true;
}

function focusBox() {
  box()?.focus();
  box()?.select();
  return true;
}

// move goes from one hit to the next; above the first one is the box.
function move(from, step) {
  const all = titles();
  const to = from + step;
  if (to < 0) return focusBox();
  if (to >= all.length) return from >= 0;
  all[to].focus();
  all[to].closest('.hit').scrollIntoView({ block: 'nearest' });
  return true;
}

function escape(target, actions) {
  const open = target.closest('.hit')?.querySelector('.title[aria-expanded="true"]');
  if (open) {
    open.click();
    open.focus();
    return true;
  }
  if (target.closest('#add')) {
    actions.closeAdd();
    return true;
  }
  if (target === box() || target === $('filter')) {
    actions.clear(target);
    return true;
  }
  return target.closest('.hit') !== null && focusBox();
}
