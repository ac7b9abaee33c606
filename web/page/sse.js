// Server-sent events that answer a POST, which EventSource cannot ask for.

import { ApiError, Unreachable } from './api.js';

// events yields { name, data } of each event. What fails before the first one is thrown as an ApiError, as is an event "error".
export async function* events(path, body, signal) {
  let response;
  try {
    response = await fetch(path, { method: 'POST', body, signal, headers: { 'Content-Type': 'application/json' } });
  } catch (error) {
    throw error.name === 'AbortError' ? error : new Unreachable(error.message);
  }
  if (!response.ok) throw new ApiError(response.status, (await response.json().catch(() => null))?.error);
  let rest = '';
  for await (const piece of texts(response)) {
    const blocks = (rest + piece).split('\n\n');
    rest = blocks.pop();
    for (const event of blocks.map(parse)) {
      if (event.name === 'error') throw new ApiError(response.status, event.data.error);
      yield event;
    }
  }
}

async function* texts(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) yield piece.value;
  } catch (error) {
    throw error.name === 'AbortError' ? error : new Unreachable(error.message);
  } finally {
    reader.cancel().catch(() => {});
  }
}

function parse(block) {
  const lines = block.split('\n');
  const field = (name) => lines.filter((line) => line.startsWith(`${name}: `)).map((line) => line.slice(name.length + 2)).join('\n');
  return { name: field('event'), data: JSON.parse(field('data')) };
}
