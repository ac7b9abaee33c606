// The filter field takes JSON, or words such as: subject:cooking year>=2020 tags:soup,stew title~"two words" draft:*
// Both become the JSON text that the server takes.

export class FilterError extends Error {}

const OPERATORS = { ':': '$eq', '=': '$eq', '!=': '$ne', '>': '$gt', '>=': '$gte', '<': '$lt', '<=': '$lte', '~': '$contains' };
const KEY = /\s*("(?:[^"\\]|\\.)*"|[^\s"<>=!:~,]+)\s*(!=|>=|<=|[:=<>~])\s*/y;
const VALUE = /("(?:[^"\\]|\\.)*"|[^\s"<>=,]+)(\s*,\s*)?/y;
const LITERAL = /^(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)$/;
const BARE = /^[\p{L}\p{N}_./-]+$/u;

// parseFilter answers JSON text, or '' for an empty field.
export function parseFilter(text) {
  const trimmed = text.trim();
  if (trimmed === '') return '';
  if (trimmed.startsWith('{')) return checkedJSON(trimmed);
  const conditions = [...words(trimmed)];
  const keys = new Set(conditions.map(({ key }) => key));
  const members = conditions.map(({ key, condition }) => `${key}:${condition}`);
  return keys.size === members.length ? `{${members}}` : `{"$and":[${members.map((member) => `{${member}}`)}]}`;
}

function checkedJSON(text) {
  try {
    JSON.parse(text);
  } catch {
    throw new FilterError('This is not JSON yet. Write {"subject":"cooking"}, or simply subject:cooking');
  }
  return text;
}

function* words(text) {
  for (let at = 0; at < text.length; ) {
    KEY.lastIndex = at;
    const key = KEY.exec(text);
    if (!key) throw new FilterError(`“${text.slice(at).trim()}” is no condition. Write key:value, such as subject:cooking`);
    const { values, end } = list(text, KEY.lastIndex, key[1] + key[2]);
    yield { key: quoted(key[1]), condition: conditionOf(key[1], key[2], values) };
    at = end;
  }
}

// list reads a value, or several with commas between them.
function list(text, at, start) {
  const values = [];
  for (let comma = true; comma; ) {
    VALUE.lastIndex = at;
    const value = VALUE.exec(text);
    if (!value) throw new FilterError(`“${start}” has no value. Write one after it, in quotes if it has spaces`);
    values.push(value[1]);
    comma = value[2];
    at = VALUE.lastIndex;
  }
  return { values, end: at };
}

function conditionOf(key, sign, values) {
  const json = values.map((value) => (LITERAL.test(value) ? value : quoted(value)));
  if (values[0] === '*' && OPERATORS[sign] === '$eq') return '{"$exists":true}';
  if (values.length === 1) return sign === ':' || sign === '=' ? json[0] : `{"${OPERATORS[sign]}":${json[0]}}`;
  const many = { $eq: '$in', $ne: '$nin' }[OPERATORS[sign]];
  if (!many) throw new FilterError(`“${key}${sign}” takes one value; a list goes with : or !=`);
  return `{"${many}":[${json}]}`;
}

// quoted is a word as a JSON string, whether it was written in quotes or not.
function quoted(word) {
  if (!word.startsWith('"')) return JSON.stringify(word);
  try {
    return JSON.stringify(JSON.parse(word));
  } catch {
    throw new FilterError(`${word} has a \\ that means nothing; write \\\\ for a backslash`);
  }
}

// withCondition adds key = value to what stands in the field, in the form that the field has.
export function withCondition(text, key, value) {
  const trimmed = text.trim();
  if (trimmed.startsWith('{')) return withMember(trimmed, key, value);
  const word = `${bare(key)}:${bare(value)}`;
  return trimmed.split(/\s+/).includes(word) ? trimmed : `${trimmed} ${word}`.trim();
}

function withMember(text, key, value) {
  try {
    const filter = JSON.parse(text);
    if (!Object.hasOwn(filter, key)) return JSON.stringify({ ...filter, [key]: value });
    return filter[key] === value ? text : JSON.stringify({ $and: [filter, { [key]: value }] });
  } catch {
    return text;
  }
}

function bare(value) {
  if (typeof value !== 'string') return String(value);
  return BARE.test(value) && !LITERAL.test(value) ? value : JSON.stringify(value);
}
