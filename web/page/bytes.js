// The server counts in bytes of UTF-8, strings of JavaScript in UTF-16 units.

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

// cut splits a text at two byte offsets: what is before, between and after them.
export function cut(text, start, end) {
  const bytes = new TextEncoder().encode(text);
  const part = (from, to) => decoder.decode(bytes.subarray(from, to));
  return [part(0, start), part(start, end), part(end, bytes.length)];
}
