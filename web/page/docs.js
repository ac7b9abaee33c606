// The page at /docs is whole without this. It puts in the server's address, copies commands, and filters operations.

import { $, button, plural } from './dom.js';

for (const place of document.querySelectorAll('.origin')) place.textContent = location.origin;

for (const box of document.querySelectorAll('.try')) {
  const copy = button('Copy', async () => {
    await navigator.clipboard.writeText(box.querySelector('pre').textContent);
    copy.textContent = 'Copied';
    setTimeout(() => { copy.textContent = 'Copy'; }, 2000);
  }, 'plain copy');
  if (navigator.clipboard) box.append(copy); // only where the address is trusted
}

// What an operation is found by: all but its answers, which are much the same everywhere.
const operations = [...document.querySelectorAll('.operation')].map((element) => ({
  element,
  links: document.querySelectorAll(`[data-of="${element.id}"]`),
  words: [...element.querySelectorAll('h3, .summary, .text, .parameters dt, .body dt')].map((e) => e.textContent).join(' ').toLowerCase(),
}));
const groups = [...document.querySelectorAll('.group')];
const find = $('find');

function filter() {
  const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const { element, links, words: text } of operations) {
    const fits = words.every((word) => text.includes(word));
    if (fits) shown++;
    element.hidden = !fits;
    for (const link of links) link.hidden = !fits;
  }
  for (const group of groups) {
    group.hidden = !group.querySelector('.operation:not([hidden])');
    document.querySelector(`.contents [href="#${group.id}"]`).parentElement.hidden = group.hidden;
  }
  document.body.classList.toggle('filtered', words.length > 0);
  $('found').textContent = words.length > 0 ? plural(shown, 'operation') : '';
}

// reveal shows what an address leads to, whatever hides it.
function reveal() {
  const target = location.hash && $(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  if (find.value && target.closest('[hidden], #schemas')) {
    find.value = '';
    filter();
  }
  if (target.matches('details')) target.open = true;
  target.scrollIntoView();
}

find.addEventListener('input', filter);
find.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape') return;
  find.value = '';
  filter();
});
document.addEventListener('keydown', (event) => {
  if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || event.target.matches('input, textarea, select')) return;
  event.preventDefault();
  find.focus();
});
addEventListener('hashchange', reveal);

$('find-box').hidden = false;
filter(); // a browser keeps what was typed when the page is loaded again
reveal();
