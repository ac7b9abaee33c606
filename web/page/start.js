// Makes the page whole once its first frame is on the screen, which all that comes at the same time would hold up. First what stands in
// templates, the greater part of the style among it, then all modules that the search view takes at once, so that no module waits for the
// one that imports it. This file stands in the page itself.

const MODULES = ['add', 'address', 'api', 'bytes', 'confirm', 'dom', 'facets', 'files', 'filter', 'hits', 'keys', 'main', 'preview', 'reader', 'search', 'states', 'upload'];

let loaded = false;

function load() {
  if (loaded) return;
  loaded = true;
  for (const template of document.querySelectorAll('template')) template.replaceWith(template.content);
  if (document.activeElement === document.body) document.getElementById('query').focus(); // not where somebody was quicker
  for (const name of MODULES) {
    const link = document.createElement('link');
    link.rel = 'modulepreload';
    link.href = `/assets/${name}.js`;
    document.head.append(link);
  }
  import('/assets/main.js');
}

if (document.hidden || !PerformanceObserver.supportedEntryTypes.includes('paint')) load();
else {
  new PerformanceObserver(load).observe({ type: 'paint', buffered: true }); // an animation frame would be before it is on the screen
  setTimeout(load, 500); // a tab that was left at once paints nothing
}
