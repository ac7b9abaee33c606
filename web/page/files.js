// Files and written text as documents, one JSON line each, read piece by piece so that a file may be larger than memory.

const TEXT = ['txt', 'text', 'log', 'rst', 'org', 'adoc'];
const MARKDOWN = ['md', 'markdown'];
const LINES = ['jsonl', 'ndjson'];
const MAX_TEXT = 10 * 2 ** 20; // bytes of one document, as the server has it
const MAX_LINE = 16 * 2 ** 20;
const MAX_TITLE = 300;

const extension = (name) => (name.includes('.') ? name.split('.').pop().toLowerCase() : '');

// refusal says why a file is not taken, or '' where it is.
export function refusal(file) {
  const kind = extension(file.name);
  if (LINES.includes(kind)) return '';
  if (![...TEXT, ...MARKDOWN].includes(kind) && !(kind === '' && file.type.startsWith('text/plain'))) {
    return 'only text (.txt), Markdown (.md) and JSONL (.jsonl) can be read here';
  }
  if (file.size > MAX_TEXT) return `has ${Math.ceil(file.size / 2 ** 20)} MB; a document can have 10 MB, so split it`;
  return file.size === 0 ? 'is empty' : '';
}

// written is a source made from the text area: a source has a name, a size in bytes and documents().
export function written(title, text) {
  const line = JSON.stringify({ title: title.trim() || heading(text), text });
  return { name: title.trim() || 'your text', size: line.length, documents: async function* () { yield { line, label: 'your text', at: line.length }; } };
}

// fromFile is a source made from a file. What cannot be decoded as UTF-8 throws.
export function fromFile(file) {
  const lines = LINES.includes(extension(file.name));
  return { name: file.name, size: file.size, documents: () => (lines ? lineDocuments(file) : wholeDocument(file)) };
}

async function* wholeDocument(file) {
  let text = '';
  for await (const piece of decoded(file)) text += piece.text;
  const title = (MARKDOWN.includes(extension(file.name)) && heading(text)) || file.name;
  yield { line: JSON.stringify({ id: file.name, title, text }), label: file.name, at: file.size };
}

// lineDocuments passes the lines on as they are: reading and writing them again would change large numbers.
async function* lineDocuments(file) {
  let rest = '';
  let n = 0;
  for await (const { text, at } of decoded(file)) {
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    if (rest.length > MAX_LINE) throw new Error(`line ${n + lines.length + 1} is over 16 MB; split the document`);
    for (const line of lines) {
      n++;
      if (line.trim()) yield { line: line.trim(), label: `${file.name}, line ${n}`, at };
    }
  }
  if (rest.trim()) yield { line: rest.trim(), label: `${file.name}, line ${n + 1}`, at: file.size };
}

// decoded yields the text of a file in pieces, and how many of its bytes have been read.
async function* decoded(file) {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const reader = file.stream().getReader();
  let at = 0;
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      at += piece.value.length;
      yield { text: decoder.decode(piece.value, { stream: true }), at };
    }
    yield { text: decoder.decode(), at };
  } catch (error) {
    if (error instanceof TypeError) throw new Error('is not UTF-8 text; save it as UTF-8 and try again');
    throw error.name === 'NotFoundError' || error.name === 'NotReadableError' ? new Error('cannot be read; a folder has to be opened and its files dropped') : error;
  } finally {
    reader.cancel().catch(() => {});
  }
}

// heading is the first Markdown heading outside of code.
function heading(text) {
  const prose = text.replace(/^(```|~~~)[^]*?^\1/gm, '');
  return (/^ {0,3}#{1,6}[ \t]+(.*?)[ \t]*#*[ \t]*$/m.exec(prose)?.[1] ?? '').slice(0, MAX_TITLE);
}
