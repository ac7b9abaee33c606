// Files and written text as sources of what is sent. Lines of JSON are read here piece by piece, so that such a file may be larger
// than memory; all other files go as they are, and the server reads them.

const LINES = ['jsonl', 'ndjson'];
const MAX_FILE = 256 * 2 ** 20; // bytes, as the server has it
const MAX_LINE = 16 * 2 ** 20;
const MAX_TITLE = 300;
const FORM_FILES = 50; // in one request
const FORM_BYTES = 16 * 2 ** 20;

const isLines = ({ name }) => LINES.includes(name.split('.').pop().toLowerCase());

// refusal says why a file is not even sent, or '' where it is.
export function refusal(file) {
  if (file.size === 0) return 'is empty';
  if (file.size > MAX_FILE && !isLines(file)) return `has ${Math.ceil(file.size / 2 ** 20)} MB; a file can have 256 MB, so split it`;
  return '';
}

// sourcesOf makes sources of files: one of each with lines, and one of all others together.
export function sourcesOf(files) {
  const others = files.filter((file) => !isLines(file));
  return [...(others.length > 0 ? [fromFiles(others)] : []), ...files.filter(isLines).map(fromLines)];
}

// written is a source made from the text area: a source has a name, a size in bytes and documents().
export function written(title, text) {
  const line = JSON.stringify({ title: title.trim() || heading(text), text });
  return { name: title.trim() || 'your text', size: line.length, documents: async function* () { yield { line, label: 'your text', at: line.length }; } };
}

const fromLines = (file) => ({ name: file.name, size: file.size, documents: () => lineDocuments(file) });

// fromFiles is a source of forms: parts() yields some files at a time.
function fromFiles(files) {
  const size = files.reduce((sum, file) => sum + file.size, 0);
  return { name: files.length === 1 ? files[0].name : `${files.length} files`, size, parts: () => forms(files) };
}

function* forms(files) {
  let some = [];
  let bytes = 0;
  let at = 0;
  for (const file of files) {
    if (some.length >= FORM_FILES || (some.length > 0 && bytes + file.size > FORM_BYTES)) {
      yield form(some, at);
      some = [];
      bytes = 0;
    }
    some.push(file);
    bytes += file.size;
    at += file.size;
  }
  if (some.length > 0) yield form(some, at);
}

// form is a part that the server takes as multipart/form-data; at is how far the source is sent with it.
export function form(files, at) {
  const body = new FormData();
  for (const file of files) body.append('files', file, file.name);
  return { body, files, labels: files.map(({ name }) => name), at };
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
