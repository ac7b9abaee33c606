// What was asked of models: small charts of each day, the month's budget, and the same as a table.

import * as api from './api.js';
import { barChart, lineChart } from './chart.js';
import { h, number } from './dom.js';
import { failure } from './states.js';

const DAY = 86_400_000;
const SPANS = [7, 30, 90];
const dollars = (n) => `$${n.toLocaleString('en', { maximumFractionDigits: n < 1 ? 4 : 2 })}`;
const milliseconds = (n) => `${number(Math.round(n))} ms`;

const metrics = [
  { title: 'Requests', of: (day) => day.requests },
  { title: 'Characters', of: (day) => day.prompt_characters + day.completion_characters },
  { title: 'Cost', of: (day) => day.estimated_cost_usd, say: dollars },
  { title: 'Errors', of: (day) => day.errors },
  { title: 'Latency, p95', of: (day) => day.latency_p95_ms, say: milliseconds, sums: false },
  { title: 'Cache hits', of: (day) => day.cache_hits },
];

// usage makes the section. params.days is how far it looks back.
export function usage(page, params) {
  const charts = h('div');
  const days = SPANS.includes(Number(params.days)) ? Number(params.days) : 30;
  const span = h('select', { 'aria-label': 'Span', onchange: () => { page.remember({ days: span.value === '30' ? '' : span.value }); load(charts, Number(span.value)); } },
    SPANS.map((n) => h('option', { value: n, selected: n === days }, `${n} days`)));
  load(charts, days);
  return h('section', { class: 'usage', 'aria-labelledby': 'usage-heading' }, h('div', { class: 'heading' }, h('h2', { id: 'usage-heading' }, 'Usage'), span), charts);
}

const dayOf = (time) => new Date(time).toISOString().slice(0, 10); // days begin in UTC, as the server counts them

async function load(into, days) {
  into.setAttribute('aria-busy', 'true');
  try {
    const now = Date.now();
    const month = `${dayOf(now).slice(0, 8)}01`;
    const first = dayOf(now - (days - 1) * DAY);
    const [answer, byModel] = await Promise.all([api.usage({ from: `${first < month ? first : month}T00:00:00Z`, group_by: 'day' }), api.usage({ from: `${first}T00:00:00Z`, group_by: 'model' })]);
    const known = new Map(answer.usage.map((row) => [row.group, row]));
    const range = (from) => Array.from({ length: Math.round((Date.parse(dayOf(now)) - Date.parse(from)) / DAY) + 1 }, (_, i) => dayOf(Date.parse(from) + i * DAY));
    into.replaceChildren(budget(answer, range(month), known), ...daily(range(first), known), models(byModel.usage));
  } catch (error) {
    into.replaceChildren(failure(error, () => load(into, days)));
  } finally {
    into.removeAttribute('aria-busy');
  }
}

const none = { requests: 0, prompt_characters: 0, completion_characters: 0, billed_characters: 0, estimated_cost_usd: 0, errors: 0, latency_p95_ms: 0, cache_hits: 0 };

// budget is how the month goes on, under the line that ends it.
function budget({ monthly_characters: spent, monthly_limit: limit, tier, tier_characters: included }, days, known) {
  const most = limit || included;
  let sum = 0;
  const points = days.map((day) => ({ name: day, value: (sum += (known.get(day) ?? none).billed_characters) }));
  const text = limit ? `of ${number(limit)} characters this month; more are refused` : included ? `of ${number(included)} characters that the tier ${tier} includes a month` : `characters this month at providers. There is no budget; --monthly-characters sets one`;
  return h('figure', { class: 'card' }, h('figcaption', null, h('b', null, number(spent)), ` ${text}.`), lineChart({ title: 'Characters of this month', points, line: most, say: number }));
}

function daily(days, known) {
  const rows = days.map((day) => ({ name: day, ...(known.get(day) ?? none) }));
  const charts = metrics.map(({ title, of, say = number, sums = true }) => {
    const points = rows.map((row) => ({ name: row.name, value: of(row) }));
    const total = sums ? points.reduce((sum, { value }) => sum + value, 0) : Math.max(...points.map(({ value }) => value));
    return h('figure', { class: 'card' }, h('figcaption', null, title, h('b', null, sums ? say(total) : `${say(total)} at most`)), barChart({ title, points, say }));
  });
  return [h('div', { class: 'charts' }, charts), table('The same as a table, by day', 'Day', rows.filter(({ requests }) => requests > 0).reverse())];
}

const models = (rows) => table('By model', 'Model', rows.map((row) => ({ name: row.group, ...row })));

function table(summary, first, rows) {
  return h('details', null, h('summary', null, summary), h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': summary }, h('table', null,
    h('thead', null, h('tr', null, [first, ...metrics.map(({ title }) => title)].map((name) => h('th', { scope: 'col' }, name)))),
    h('tbody', null, rows.length > 0 ? rows.map((row) => h('tr', null, h('th', { scope: 'row' }, row.name || 'none'), metrics.map(({ of, say = number }) => h('td', null, say(of(row))))))
      : h('tr', null, h('td', { colspan: metrics.length + 1 }, 'Nothing was asked in this span.'))))));
}
