// The page's address keeps what is shown, so that it can be shared and the back button works.

// read answers the parameters of the address by name.
export const read = () => Object.fromEntries(new URLSearchParams(location.search));

// While somebody types, one entry of the history is written over again; settle ends that entry.
let typing = false;

export function settle() {
  typing = false;
}

// write leaves out what is empty.
export function write(params) {
  const text = new URLSearchParams(Object.entries(params).filter(([, value]) => String(value ?? '').trim() !== '')).toString();
  const target = text ? `/?${text}` : '/';
  if (target === location.pathname + location.search) return;
  history[typing ? 'replaceState' : 'pushState'](null, '', target);
  typing = true;
}
