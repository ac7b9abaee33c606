// Small charts as SVG. Their data stands beside them as a table, so to a screen reader a chart is one picture with a sentence.

const NS = 'http://www.w3.org/2000/svg';
const WIDE = 320;
const HIGH = 96;
const BASE = HIGH - 18; // under it stand the names of the first and the last point

function svg(tag, props, ...children) {
  const element = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(props)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const short = (day) => new Date(`${day}T00:00:00Z`).toLocaleDateString('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' });

function frame({ title, points, say }, top, ...shapes) {
  const last = points.at(-1);
  const label = `${title} from ${short(points[0].name)} to ${short(last.name)}: at most ${say(top)}, last ${say(last.value)}`;
  return svg('svg', { viewBox: `0 0 ${WIDE} ${HIGH}`, class: 'chart', role: 'img', 'aria-label': label },
    svg('line', { x1: 0, x2: WIDE, y1: BASE, y2: BASE, class: 'axis' }), ...shapes,
    svg('text', { x: 0, y: HIGH - 2 }, short(points[0].name)), svg('text', { x: WIDE, y: HIGH - 2, 'text-anchor': 'end' }, short(last.name)));
}

// barChart shows points { name, value } beside each other. say writes a value.
export function barChart(chart) {
  const { points, say } = chart;
  const top = Math.max(...points.map(({ value }) => value));
  const step = WIDE / points.length;
  const bars = points.map(({ name, value }, i) => {
    const high = value > 0 ? Math.max(1.5, (value / top) * (BASE - 6)) : 0;
    const hint = svg('title', {}, `${short(name)}: ${say(value)}`);
    return svg('g', {}, hint, svg('rect', { x: i * step, y: 0, width: step, height: BASE, class: 'around' }),
      svg('rect', { x: i * step + step * 0.1, y: BASE - high, width: step * 0.8, height: high, rx: Math.min(2, step / 5), class: 'bar-shape' }));
  });
  return frame(chart, top, ...bars);
}

// lineChart shows how points grow, and, where line is not 0, the line that they may reach.
export function lineChart(chart) {
  const { points, line, say } = chart;
  const most = Math.max(...points.map(({ value }) => value));
  const top = Math.max(most, line, 1);
  const x = (i) => (points.length > 1 ? (i / (points.length - 1)) * WIDE : WIDE);
  const y = (value) => BASE - (value / top) * (BASE - 16);
  const path = points.map(({ value }, i) => `${x(i)},${y(value)}`).join(' ');
  const area = svg('polygon', { points: `0,${BASE} ${path} ${WIDE},${BASE}`, class: 'area' });
  const limit = line > 0 ? [svg('line', { x1: 0, x2: WIDE, y1: y(line), y2: y(line), class: 'limit' }), svg('text', { x: 0, y: y(line) - 3 }, `budget ${say(line)}`)] : [];
  const dot = svg('circle', { cx: x(points.length - 1), cy: y(points.at(-1).value), r: 3, class: 'bar-shape' });
  return frame(chart, most, area, svg('polyline', { points: path, class: 'curve' }), dot, ...limit);
}
