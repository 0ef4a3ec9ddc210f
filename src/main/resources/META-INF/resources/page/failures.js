// Dead letters that are open: how many of each kind, what befell each, and replaying them.

import { $, element, outcome, text, whileBusy } from './dom.js';
import { ask, change } from './api.js';
import { count, instant, moment, plural } from './words.js';

const PAGE = 25;
const REST_MS = 3000;

let kind = null;
let next = null;
let open = { total: 0, kinds: {} };
/** By source, which every letter has; some have no ID. */
const chosen = new Set();

// --- When to look --------------------------------------------------------------------------------------------------

let seen = null;
let loadedAt = 0;
let again = 0;

/** Looks when the counts have changed, and not more often than they can be read. */
export function noticeFailures(figures) {
  const counts = [figures.startedAt, figures.documents?.failed, figures.checkpoint?.failed, figures.lag?.partitions?.length].join(' ');
  if (counts === seen) return;
  seen = counts;
  clearTimeout(again);
  again = setTimeout(() => {
    load();
    again = setTimeout(load, REST_MS); // a document has failed a moment before its dead letter is with the broker
  }, Math.max(0, loadedAt + REST_MS - Date.now()));
}

async function load(after = null) {
  loadedAt = Date.now();
  const wanted = kind;
  try {
    const query = new URLSearchParams({ limit: String(PAGE) });
    if (wanted !== null) query.set('kind', wanted);
    if (after !== null) query.set('after', after);
    const page = await ask(`failures?${query}`);
    if (wanted !== kind) return;
    open = page.open;
    next = page.next;
    show(page, after !== null);
  } catch (problem) {
    text('failures-sentence', `The dead letters can't be read: ${problem.message}`);
  }
}

// --- What there is -------------------------------------------------------------------------------------------------

function show(page, more) {
  text('failures-sentence', [
    open.total === 0 ? 'No dead letter is open.' : `${plural(open.total, 'dead letter')} open: ${open.total === 1 ? 'its document has' : 'their documents have'} not got beyond ${open.total === 1 ? 'it' : 'them'}.`,
    page.complete ? '' : 'There may be more; not all are read yet.',
    page.elsewhere.length > 0 ? `Those of ${page.elsewhere.join(', ')} are with other processes.` : '',
  ].filter(Boolean).join(' '));
  showKinds();

  const list = $('failure-list');
  const known = new Map(Array.from(list.children, (item) => [item.dataset.source, item]));
  const items = page.failures.map((failure) => known.get(failure.source) ?? item(failure));
  if (more) {
    list.append(...items);
  } else if (items.length !== known.size || items.some((each, i) => list.children[i] !== each)) {
    list.replaceChildren(...items); // else left alone: somebody may be reading or have the focus in one
  }
  const listed = new Set(Array.from(list.children, (each) => each.dataset.source));
  for (const source of chosen) if (!listed.has(source)) chosen.delete(source);
  showChosen();
  $('failures-more').hidden = next === null;
}

function showKinds() {
  const kinds = Object.entries(open.kinds).sort((a, b) => b[1] - a[1]);
  const buttons = kinds.length < 2 && kind === null ? [] : [[null, open.total], ...kinds].map(([name, number]) => {
    const button = element('button', `${name ?? 'all'} `);
    button.type = 'button';
    button.append(element('span', count(number), 'number'));
    button.setAttribute('aria-pressed', String(name === kind));
    button.dataset.kind = name ?? '';
    button.addEventListener('click', () => {
      kind = name;
      load();
    });
    return button;
  });
  const focused = document.activeElement?.dataset?.kind;
  $('kinds').replaceChildren(...buttons);
  if (focused !== undefined) buttons.find((button) => button.dataset.kind === focused)?.focus();
  const number = kind === null ? open.total : open.kinds[kind] ?? 0;
  $('replay-all').hidden = number === 0;
  text('replay-all', kind === null ? `Replay all ${count(number)}` : `Replay all ${count(number)} of ${kind}`);
}

function item(failure) {
  const name = failure.id ?? failure.key ?? failure.source;
  const node = element('li');
  node.dataset.source = failure.source;

  const box = element('input');
  box.type = 'checkbox';
  box.setAttribute('aria-label', `Choose ${name}`);
  box.addEventListener('change', () => {
    chosen[box.checked ? 'add' : 'delete'](failure.source);
    showChosen();
  });

  const details = element('details');
  const summary = element('summary');
  const at = instant(failure.failedAt);
  summary.append(element('span', name, 'failure-name'), element('span', failure.kind, 'failure-kind'),
    element('span', [failure.step ? `in ${failure.step}` : '', at === null ? '' : moment(at, true)].filter(Boolean).join(', '), 'aside'));
  const facts = element('dl', undefined, 'facts');
  const fact = (term, value) => {
    if (value !== undefined && value !== null && value !== '') facts.append(element('dt', term), element('dd', String(value)));
  };
  fact('Error', failure.message);
  fact('Step', failure.step);
  fact('Attempts', failure.attempts);
  fact('Source', failure.source);
  fact('Dead letter', failure.position);
  if (failure.key !== failure.id) fact('Key', failure.key);
  const actions = element('p', undefined, 'actions');
  const replay = element('button', 'Replay this one');
  replay.type = 'button';
  replay.addEventListener('click', () => whileBusy(replay, () => replayed({ sources: [failure.source] })));
  actions.append(replay);
  if (failure.id) {
    const find = element('a', 'Find the document');
    find.href = `#find=${encodeURIComponent(failure.id)}`;
    actions.append(find);
  }
  details.append(summary, facts, actions);
  node.append(box, details);
  return node;
}

function showChosen() {
  $('replay-chosen').hidden = chosen.size === 0;
  text('chosen-count', `${count(chosen.size)} chosen.`);
  text('replay-selected', chosen.size === 1 ? 'Replay it' : `Replay these ${count(chosen.size)}`);
  for (const each of $('failure-list').children) each.firstChild.checked = chosen.has(each.dataset.source);
}

// --- Replay --------------------------------------------------------------------------------------------------------

async function replayed(selection) {
  outcome('replay-status', 'Replaying');
  try {
    const answer = await change('failures/replay', { body: JSON.stringify(selection), headers: { 'Content-Type': 'application/json' } });
    const left = answer.skipped.map((each) => `${plural(each.count, 'one', 'ones')} left out: ${each.reason}`);
    outcome('replay-status', [
      `${plural(answer.replayed, 'document')} published again. ${answer.replayed === 1 ? 'It reuses its' : 'They reuse their'} finished steps.`,
      ...left.map((words) => `${words}.`),
      answer.complete ? '' : 'Not all were reached in time: replay again, and it goes on.',
    ].filter(Boolean).join(' '));
    chosen.clear();
    await load();
  } catch (problem) {
    outcome('replay-status', problem.message, 'bad');
  }
}

$('replay-all').addEventListener('click', () => whileBusy($('replay-all'), () => replayed(kind === null ? { all: true } : { kind })));
$('replay-selected').addEventListener('click', () => whileBusy($('replay-selected'), () => replayed({ sources: [...chosen] })));
$('failures-more').addEventListener('click', () => whileBusy($('failures-more'), () => load(next)));
