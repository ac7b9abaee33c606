// Elements are made here. Text only ever goes in as text nodes, so a document can never bring markup with it.

export const $ = (id) => document.getElementById(id);

// h makes an element. In props, a name that begins with "on" is a listener, false and null leave the attribute out.
export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat().filter((child) => child != null && child !== false));
  return element;
}

export const button = (text, onclick, kind = 'button') => h('button', { type: 'button', class: kind, onclick }, text);

export const number = (n) => n.toLocaleString('en');

export const plural = (n, one, many = one + 's') => `${number(n)} ${n === 1 ? one : many}`;
