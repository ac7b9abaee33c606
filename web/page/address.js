// The page's address keeps what is searched for, so that it can be shared and the back button works.

export function read() {
  const params = new URLSearchParams(location.search);
  return { query: params.get('q') ?? '', filter: params.get('filter') ?? '', collection: params.get('collection') ?? '' };
}

// While somebody types, one entry of the history is written over again; settle ends that entry.
let typing = false;

export function settle() {
  typing = false;
}

export function write({ query, filter, collection }) {
  const params = new URLSearchParams();
  if (query.trim()) params.set('q', query);
  if (filter.trim()) params.set('filter', filter);
  if (collection !== 'default') params.set('collection', collection);
  const search = params.toString();
  const target = search ? `/?${search}` : '/';
  if (target === location.pathname + location.search) return;
  history[typing ? 'replaceState' : 'pushState'](null, '', target);
  typing = true;
}
