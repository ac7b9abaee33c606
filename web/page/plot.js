// A scatter plot on a canvas, which takes thousands of points. A pointer or the arrow keys choose one of them.

import { h } from './dom.js';

const REACH = 14; // pixels from a point within which it is pointed at
const MARGIN = 22;

// chart makes the plot. select(point) is called when a point is chosen, open(point) when it is to be opened.
export function chart({ select, open }) {
  const canvas = h('canvas', { tabindex: 0, role: 'application', 'aria-label': 'Map of the passages. Arrow keys go from point to point, Enter opens one.', 'aria-describedby': 'map-status' });
  const probe = h('span', { hidden: true });
  let drawn = { points: [], colours: { of: () => 'var(--c0)', faint: () => false }, query: null };
  let at = []; // places of the points in pixels
  let chosen = -1;

  // resolve is a CSS colour as the canvas takes it.
  const known = new Map();
  const resolve = (colour) => {
    if (!known.has(colour)) {
      probe.style.color = colour;
      known.set(colour, getComputedStyle(probe).color);
    }
    return known.get(colour);
  };

  const paint = () => {
    const { clientWidth: width, clientHeight: height } = canvas;
    if (width === 0 || drawn.points.length === 0) return;
    const pixel = devicePixelRatio || 1;
    canvas.width = width * pixel;
    canvas.height = height * pixel;
    const g = canvas.getContext('2d');
    g.scale(pixel, pixel);
    known.clear(); // the theme may have changed
    const place = fit([...drawn.points, ...(drawn.query ? [drawn.query] : [])], width, height);
    at = drawn.points.map(place);
    const dot = (i, radius) => {
      g.fillStyle = resolve(drawn.colours.of(drawn.points[i].value));
      circle(g, at[i], radius);
      g.fill();
    };
    const radius = drawn.points.length > 2000 ? 2.2 : 3.2;
    const faint = ({ value }) => drawn.colours.faint(value);
    for (const behind of [true, false]) { // what is picked lies above the rest
      g.globalAlpha = behind ? 0.15 : 0.75;
      drawn.points.forEach((point, i) => { if (faint(point) === behind) dot(i, radius); });
    }
    g.globalAlpha = 1;
    g.strokeStyle = resolve('var(--ink)');
    if (drawn.query) question(g, place(drawn.query), drawn.points, at, dot, resolve);
    if (chosen >= 0) {
      dot(chosen, 5);
      g.lineWidth = 2.5;
      circle(g, at[chosen], 8);
      g.stroke();
    }
  };

  const reached = (i) => !drawn.colours.faint(drawn.points[i].value); // by a pointer, and by keys
  const choose = (i) => {
    if (i < 0 || i === chosen) return;
    chosen = i;
    select(drawn.points[i]);
    paint();
  };
  const under = ({ offsetX, offsetY }) => {
    let best = -1;
    let least = REACH ** 2;
    at.forEach(([x, y], i) => {
      const far = (x - offsetX) ** 2 + (y - offsetY) ** 2;
      if (far < least && reached(i)) [best, least] = [i, far];
    });
    return best;
  };
  canvas.addEventListener('pointermove', (event) => { if (event.pointerType === 'mouse') choose(under(event)); });
  canvas.addEventListener('click', (event) => {
    const i = under(event);
    choose(i);
    if (i >= 0) open(drawn.points[i]);
  });
  canvas.addEventListener('keydown', (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (step) choose(chosen < 0 ? at.findIndex((_, i) => reached(i)) : towards(at, chosen, step, reached));
    else if (event.key === 'Enter' && chosen >= 0) open(drawn.points[chosen]);
    else return;
    event.preventDefault();
  });

  const dark = matchMedia('(prefers-color-scheme: dark)');
  dark.addEventListener('change', paint);
  const resized = new ResizeObserver(paint);
  resized.observe(canvas);
  return {
    element: h('div', { class: 'plot' }, canvas, probe),
    draw(points, colours, query) {
      drawn = { points, colours, query };
      chosen = -1;
      requestAnimationFrame(paint);
    },
    choose,
    paint,
    stop() {
      dark.removeEventListener('change', paint);
      resized.disconnect();
    },
  };
}

// fit answers where a place of the map is in the window. Both axes have the same scale: distances can be compared.
function fit(places, width, height) {
  const edge = (pick, of) => places.reduce((best, place) => pick(best, of(place)), of(places[0]));
  const [left, right] = [edge(Math.min, ({ x }) => x), edge(Math.max, ({ x }) => x)];
  const [low, high] = [edge(Math.min, ({ y }) => y), edge(Math.max, ({ y }) => y)];
  const scale = Math.min((width - 2 * MARGIN) / (right - left || 1), (height - 2 * MARGIN) / (high - low || 1));
  return ({ x, y }) => [width / 2 + (x - (left + right) / 2) * scale, height / 2 - (y - (low + high) / 2) * scale];
}

function circle(g, [x, y], radius) {
  g.beginPath();
  g.arc(x, y, radius, 0, 2 * Math.PI);
}

// question draws the place of the question as a cross, lines to its hits, and rings around them.
function question(g, [x, y], points, at, dot, resolve) {
  points.forEach(({ rank }, i) => {
    if (!rank) return;
    g.globalAlpha = 0.35;
    g.lineWidth = 1;
    g.beginPath();
    g.moveTo(x, y);
    g.lineTo(...at[i]);
    g.stroke();
    g.globalAlpha = 1;
    dot(i, 4.5);
    g.lineWidth = 1.5;
    circle(g, at[i], 6.5);
    g.stroke();
  });
  for (const [width, colour] of [[6, 'var(--raised)'], [3, 'var(--danger)']]) {
    g.lineWidth = width;
    g.strokeStyle = resolve(colour);
    g.beginPath();
    for (const [dx, dy] of [[9, 9], [9, -9]]) {
      g.moveTo(x - dx, y - dy);
      g.lineTo(x + dx, y + dy);
    }
    g.stroke();
  }
  g.strokeStyle = resolve('var(--ink)');
}

// towards is the nearest point in a direction that can be reached; the same one where there is none.
function towards(at, from, [dx, dy], reached) {
  let best = from;
  let least = Infinity;
  at.forEach(([x, y], i) => {
    const along = (x - at[from][0]) * dx + (y - at[from][1]) * dy;
    const aside = Math.abs((x - at[from][0]) * dy - (y - at[from][1]) * dx);
    const far = along + 2 * aside;
    if (i !== from && along > 0.5 && aside <= along && far < least && reached(i)) [best, least] = [i, far];
  });
  return best;
}
