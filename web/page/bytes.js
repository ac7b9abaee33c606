// The server counts in bytes of UTF-8, strings of JavaScript in UTF-16 units.

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

// slicer answers the text between two byte offsets, as often as it is asked.
export function slicer(text) {
  const bytes = new TextEncoder().encode(text);
  return (start, end) => decoder.decode(bytes.subarray(start, end));
}

// cut splits a text at two byte offsets: what is before, between and after them.
export function cut(text, start, end) {
  const part = slicer(text);
  return [part(0, start), part(start, end), part(end)];
}
