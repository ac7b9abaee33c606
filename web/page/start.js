// Makes the page whole once its first frame has been drawn, which all that comes at the same time would hold up. First what stands in
// templates, then all modules that the search view takes at once, so that no module waits for the one that imports it.

const MODULES = ['add', 'address', 'api', 'bytes', 'confirm', 'dom', 'facets', 'files', 'filter', 'hits', 'keys', 'main', 'preview', 'reader', 'search', 'states', 'upload'];

function load() {
  for (const template of document.querySelectorAll('template')) template.replaceWith(template.content);
  for (const name of MODULES) {
    const link = document.createElement('link');
    link.rel = 'modulepreload';
    link.href = `/assets/${name}.js`;
    document.head.append(link);
  }
  import('./main.js');
}

if (document.hidden) load(); // there are no frames
else requestAnimationFrame(() => setTimeout(load));
