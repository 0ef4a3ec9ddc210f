// Three small charts over one stretch of time. Pawl keeps the samples, so that a page that is opened late shows what was before.

import { $, text } from './dom.js';
import { ask } from './api.js';
import { clock, count, instant, money, moment, pace, short } from './words.js';

const SPANS = { '10m': { ms: 600_000, smooth: 5, name: '10 minutes' }, '1h': { ms: 3_600_000, smooth: 2, name: 'hour' }, '24h': { ms: 86_400_000, smooth: 1, name: '24 hours' } };

const DESCRIBED_MS = 10_000;

let span = '10m';
let interval = 2000;
/** Of this span, the oldest first. Those of a process that has ended stay. */
let samples = [];
let charts = [];

// --- Samples -------------------------------------------------------------------------------------------------------

/** From Pawl's memory, when the page is opened, another span is chosen, or Pawl is back. */
export async function loadHistory() {
  const wanted = span;
  try {
    const history = await ask(`progress/history?span=${wanted}`);
    if (wanted !== span) return;
    const fresh = history.samples.map(read);
    interval = history.intervalMs;
    samples = joined(samples.filter((sample) => sample.at < fresh[0].at), fresh);
    draw();
  } catch {
    // the stream says that there is no connection
  }
}

/** Where there was no Pawl for a while there is no line. */
function joined(before, fresh) {
  if (before.length === 0 || fresh[0].at - before.at(-1).at < (3 * interval) / 1000) return [...before, ...fresh];
  return [...before, { at: (before.at(-1).at + fresh[0].at) / 2, completed: null, inWork: null, tokensSpent: null, tokensSaved: null, costSpent: null, costSaved: null }, ...fresh];
}

const read = (sample) => ({ ...sample, at: instant(sample.at).getTime() / 1000, costSpent: sample.costSpent ?? null });

/** The report of this moment is a sample too, as often as the span wants one. */
export function addSample(figures) {
  const at = instant(figures.at).getTime() / 1000;
  if (samples.length === 0 || at - samples.at(-1).at < interval / 1000 - 0.5) return;
  samples.push({
    at,
    completed: figures.documents.completed,
    inWork: figures.documents.inWork,
    tokensSpent: figures.tokens.inputSpent + figures.tokens.outputSpent,
    tokensSaved: figures.tokens.inputSaved + figures.tokens.outputSaved,
    costSpent: figures.cost?.spent ?? null,
    costSaved: figures.cost?.saved ?? null,
    currency: figures.cost?.currency,
  });
  draw();
}

/** Documents a minute between samples that lie some apart: one by one, the pace of calls that are answered together would jump. */
function rates(smooth) {
  return samples.map((sample, i) => {
    const before = samples[Math.max(0, i - smooth)];
    const documents = sample.completed - before.completed;
    return sample.at === before.at || sample.completed === null || before.completed === null || documents < 0 ? null : (documents * 60) / (sample.at - before.at); // fewer: another process
  });
}

// --- Charts --------------------------------------------------------------------------------------------------------

let currency;

const CHARTS = [
  { id: 'chart-rate', name: 'Documents a minute', series: ['is-done'], values: (smooth) => [rates(smooth)], word: pace },
  { id: 'chart-work', name: 'Documents in work', series: ['is-work'], values: () => [samples.map((sample) => sample.inWork)], word: count },
  {
    id: 'chart-spend', name: 'Spent and saved', series: ['is-spent', 'is-saved'],
    values: () => (priced() ? [samples.map((each) => each.costSpent), samples.map((each) => each.costSaved)]
      : [samples.map((each) => each.tokensSpent), samples.map((each) => each.tokensSaved)]),
    word: (value) => (priced() ? money(value, currency ?? 'USD') : short(value)),
  },
];

const priced = () => samples.at(-1)?.costSpent != null;

/** As the style sheet has it for the theme that is on. */
function colour(name) {
  const probe = document.createElement('i');
  probe.className = `colour ${name}`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function make(chart) {
  const frame = $(chart.id);
  const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  const font = `${0.75 * rem}px ${getComputedStyle(document.body).fontFamily}`;
  const axis = { stroke: colour('is-muted'), font, ticks: { show: false }, border: { show: false } };
  return new uPlot({
    width: Math.max(120, frame.clientWidth),
    height: 9.5 * rem,
    padding: [0.5 * rem, 1.75 * rem, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false }, sync: { key: 'pawl' }, points: { size: 0.45 * rem } },
    scales: { y: { range: (_, low, high) => (chart.id === 'chart-spend' ? spendRange(low, high) : [0, Math.max(1, high * 1.1)]) } },
    axes: [
      { ...axis, grid: { show: false }, size: 1.5 * rem, space: 5 * rem, values: (_, ticks, axisIndex, space, step) => ticks.map((tick) => timeOf(new Date(tick * 1000), step)) },
      { ...axis, grid: { stroke: colour('is-line'), width: 1 }, size: 3 * rem, space: 2.25 * rem, values: (_, ticks) => ticks.map((tick) => short(tick)) },
    ],
    series: [{}, ...chart.series.map((name) => ({
      stroke: colour(name), width: 0.125 * rem, points: { show: false }, spanGaps: false,
      dash: name === 'is-saved' ? [6, 4] : undefined, // not told by colour alone
      fill: chart.series.length === 1 ? colour(`${name}-area`) : undefined,
    }))],
    hooks: { setCursor: [(plot) => tell(chart, plot)] },
  }, data(chart), frame);
}

/** A minute that stands twice at the axis tells nothing. */
const timeOf = (date, step) => (step < 60 ? clock(date) : clock(date).slice(0, 5));

function spendRange(low, high) {
  if (low === null || high === null) return [0, 1];
  const room = Math.max((high - low) * 0.1, high * 0.02, 1e-6);
  return [Math.max(0, low - room), high + room];
}

const data = (chart) => [samples.map((sample) => sample.at), ...chart.values(SPANS[span].smooth)];

function draw() {
  const until = samples.at(-1)?.at ?? Date.now() / 1000;
  samples = samples.filter((sample) => sample.at >= until - SPANS[span].ms / 1000);
  currency = samples.at(-1)?.currency ?? currency;
  if (charts.length === 0) charts = CHARTS.map(make);
  charts.forEach((plot, i) => {
    plot.setData(data(CHARTS[i]));
    tell(CHARTS[i], plot);
  });
  text('chart-spend-name', priced() ? 'Cost, spent and saved' : 'Tokens, spent and saved');
}

/** What the pointer is at; otherwise how it is now, and for who can't see the line its range. */
function tell(chart, plot) {
  const at = plot.cursor.idx;
  const words = chart.series.map((name, i) => {
    const values = plot.data[i + 1];
    const value = at == null ? values.at(-1) : values[at];
    const label = name === 'is-spent' ? 'spent ' : name === 'is-saved' ? 'saved ' : '';
    return value == null ? '' : `${label}${chart.word(value)}`;
  }).filter(Boolean).join(', ');
  text(`${chart.id}-now`, at == null || plot.data[0][at] === undefined ? words : `${words} at ${moment(new Date(plot.data[0][at] * 1000), true)}`);
  if (at == null) describe(chart, plot, words);
}

/** Not every second, which nobody could listen to. */
function describe(chart, plot, words) {
  if (Date.now() - (chart.describedAt ?? 0) < DESCRIBED_MS) return;
  chart.describedAt = Date.now();
  const highest = Math.max(...plot.data[1].filter((value) => value !== null), 0);
  $(chart.id).setAttribute('aria-label', `${chart.name} over the last ${SPANS[span].name}: now ${words || 'nothing'}, highest ${chart.word(highest)}`);
}

/** Of another size, or in another theme. */
export function redraw() {
  charts.forEach((plot) => plot.destroy());
  charts = [];
  if (samples.length > 0) draw();
}

new ResizeObserver(() => redraw()).observe($('chart-rate'));
addEventListener('themechange', redraw);
$('span').addEventListener('change', (event) => {
  span = event.target.value;
  samples = [];
  for (const chart of CHARTS) chart.describedAt = 0;
  loadHistory();
});
