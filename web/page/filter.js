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
    yield { key: quoted(key[1]), sign: key[2], values, condition: conditionOf(key[1], key[2], values), at, end };
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
  const filter = parsed(text);
  if (!filter) return text;
  if (!Object.hasOwn(filter, key)) return JSON.stringify({ ...filter, [key]: value });
  return filter[key] === value ? text : JSON.stringify({ $and: [filter, { [key]: value }] });
}

// parsed is a filter in JSON, or null where it is none.
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function bare(value) {
  if (typeof value !== 'string') return String(value);
  return BARE.test(value) && !LITERAL.test(value) ? value : JSON.stringify(value);
}

// chosen are the values that a filter admits of a key by equality, as JSON texts.
export function chosen(text, key) {
  const trimmed = text.trim();
  if (trimmed.startsWith('{')) {
    const value = parsed(trimmed)?.[key];
    const list = Array.isArray(value?.$in) ? value.$in : [value];
    return list.filter((one) => ['string', 'number', 'boolean'].includes(typeof one)).map((one) => JSON.stringify(one));
  }
  return tokens(trimmed).filter((token) => equals(token, key)).flatMap(({ values }) => values.map(literal));
}

// choose makes the filter admit only such values of a key, given as JSON texts; without any, all of them.
export function choose(text, key, literals) {
  const trimmed = text.trim();
  if (trimmed.startsWith('{')) {
    const { [key]: _, ...rest } = parsed(trimmed) ?? {};
    const values = literals.map((one) => JSON.parse(one));
    const filter = values.length === 0 ? rest : { ...rest, [key]: values.length === 1 ? values[0] : { $in: values } };
    return Object.keys(filter).length === 0 ? '' : JSON.stringify(filter);
  }
  const word = literals.length > 0 ? `${bare(key)}:${literals.map((one) => bare(JSON.parse(one))).join(',')}` : '';
  return replaced(trimmed, (token) => equals(token, key), word);
}

const EDGES = { from: '>=', to: '<=' };

// bounds are the least and the greatest value that a filter admits of a key, as JSON texts.
export function bounds(text, key) {
  const trimmed = text.trim();
  if (trimmed.startsWith('{')) {
    const { $gte, $lte } = parsed(trimmed)?.[key] ?? {};
    return { from: $gte == null ? undefined : JSON.stringify($gte), to: $lte == null ? undefined : JSON.stringify($lte) };
  }
  const edge = (sign) => tokens(trimmed).filter((token) => named(token, key) && token.sign === sign).map(({ values }) => literal(values[0]))[0];
  return { from: edge('>='), to: edge('<=') };
}

// bounded sets one of the bounds of a key, or takes it away where the JSON text is empty.
export function bounded(text, key, which, json) {
  const trimmed = text.trim();
  if (trimmed.startsWith('{')) {
    const filter = parsed(trimmed) ?? {};
    const { [which === 'from' ? '$gte' : '$lte']: _, ...rest } = Object(filter[key]);
    const condition = json ? { ...rest, [which === 'from' ? '$gte' : '$lte']: JSON.parse(json) } : rest;
    const { [key]: __, ...others } = filter;
    return JSON.stringify(Object.keys(condition).length > 0 ? { ...others, [key]: condition } : others).replace(/^\{\}$/, '');
  }
  return replaced(trimmed, (token) => named(token, key) && token.sign === EDGES[which], json && `${bare(key)}${EDGES[which]}${bare(JSON.parse(json))}`);
}

// tokens are the conditions of a filter that is written in words; none where it cannot be read.
function tokens(text) {
  try {
    return [...words(text)];
  } catch {
    return [];
  }
}

const named = (token, key) => token.key === JSON.stringify(key);
const equals = (token, key) => named(token, key) && (token.sign === ':' || token.sign === '=') && token.values[0] !== '*';
const literal = (value) => (LITERAL.test(value) ? value : quoted(value));

// replaced puts a word in the place of the conditions that match, or at the end.
function replaced(text, match, word) {
  const parts = tokens(text).map((token) => (match(token) ? '' : text.slice(token.at, token.end).trim()));
  const place = tokens(text).findIndex(match);
  if (place >= 0) parts[place] = word;
  else parts.push(word);
  return parts.filter(Boolean).join(' ');
}
