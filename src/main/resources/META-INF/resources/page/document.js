// One document: its way as a timeline, what its steps answered, and where it stands in the checkpoint.

import { $, element, outcome } from './dom.js';
import { ask } from './api.js';
import { count, duration, instant, moment, plural } from './words.js';

const STATUS = {
  done: 'done',
  failed: 'failed',
  forgotten: 'forgotten: its next delivery runs it again',
  unfinished: 'unfinished: it goes on after the steps below',
};
const NAMES = { taken: 'Taken up', done: 'Done', failed: 'Failed', forgotten: 'Forgotten' };
/** A longer answer is folded. */
const FOLDED = 1200;

let searches = 0;

async function find(id) {
  const mine = ++searches;
  $('document').replaceChildren();
  if (id === '.' || id === '..') {
    outcome('find-status', 'A browser can not ask for this ID: in an address it means a folder.', 'bad');
    return;
  }
  outcome('find-status', 'Looking');
  try {
    const found = await ask(`documents/${encodeURIComponent(id)}`);
    if (mine !== searches) return;
    outcome('find-status', `${found.id} is ${STATUS[found.status] ?? found.status}`, found.status === 'failed' ? 'bad' : '');
    $('document').replaceChildren(...parts(found));
  } catch (problem) {
    if (mine !== searches) return;
    outcome('find-status', problem.status === 404
      ? `${id} is not known here. It may wait, be in its first step, or be with another process.`
      : problem.message, problem.status === 404 ? '' : 'bad');
  }
}

// --- What is shown -------------------------------------------------------------------------------------------------

function parts(found) {
  const way = element('div');
  way.append(element('h3', 'Its way'), timeline(found), facts(found));
  const answers = element('div');
  const outputs = outputsOf(found);
  if (found.error) {
    answers.append(element('h3', 'Error'), element('pre', [found.error.kind, found.error.message].filter(Boolean).join(': ')));
  }
  for (const [step, output] of outputs) answers.append(element('h3', step), folded(output));
  if (outputs.length === 0 && !found.error) answers.append(element('p', 'No answer is kept.', 'aside'));
  return [way, answers];
}

function timeline(found) {
  const list = element('ol', undefined, 'timeline');
  const way = found.way ?? [];
  for (const event of way) {
    const item = element('li');
    item.dataset.what = event.what;
    const at = instant(event.at);
    const head = element('p', undefined, 'event');
    head.append(element('span', event.what === 'step' ? event.step : NAMES[event.what] ?? event.what, 'event-name'));
    if (event.durationMs !== undefined) head.append(element('span', duration(event.durationMs), 'event-duration'));
    if (at !== null && at.getTime() > 0) head.append(element('time', moment(at, true), 'aside'));
    item.append(head);
    const words = [
      event.what === 'step' && event.usage ? usage(event.usage) : '',
      event.what === 'failed' ? `${event.step ? `in ${event.step}, ` : ''}${plural(event.attempts, 'attempt')}` : '',
    ].filter(Boolean).join(', ');
    if (words) item.append(element('p', words, 'aside'));
    list.append(item);
  }
  if (way.length === 0) list.append(element('li', 'Its lines do not tell.'));
  return list;
}

const usage = (used) => `${plural(used.calls, 'call')}, ${plural(used.inputTokens, 'token')} in, ${count(used.outputTokens)} out`;

function facts(found) {
  const list = element('dl', undefined, 'facts');
  const fact = (term, value) => {
    if (value) list.append(element('dt', term), element('dd', value));
  };
  fact('In all', found.usage ? usage(found.usage) : '');
  fact('Took', found.durationMs === undefined ? '' : duration(found.durationMs));
  fact('Source', found.source);
  fact('Model', [...new Set((found.steps ?? []).map((step) => step.model).filter(Boolean))].join(', '));
  fact('Checkpoint', found.checkpoint ? `${found.checkpoint.file}, byte ${count(found.checkpoint.offset)}` : '');
  return list;
}

/** Of a done document, what its result holds; otherwise what its steps have answered so far. */
function outputsOf(found) {
  if (found.result !== undefined && found.result !== null) {
    return typeof found.result === 'object' && !Array.isArray(found.result) ? Object.entries(found.result) : [['Result', found.result]];
  }
  return (found.steps ?? []).filter((step) => step.output !== undefined && step.output !== null).map((step) => [step.step, step.output]);
}

function folded(value) {
  const words = typeof value === 'string' ? value : JSON.stringify(value, null, 2);
  const pre = element('pre', words, typeof value === 'string' ? 'words' : undefined);
  if (words.length <= FOLDED) return pre;
  const details = element('details');
  details.append(element('summary', `${words.slice(0, 160)}… (${plural(words.length, 'character')})`), pre);
  return details;
}

// --- Asking --------------------------------------------------------------------------------------------------------

$('find-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const id = $('find-id').value.trim();
  if (!id) return;
  const hash = `#find=${encodeURIComponent(id)}`;
  if (location.hash === hash) find(id);
  else location.hash = hash; // so that it can be gone back to, and sent to others
});

function followHash() {
  if (!location.hash.startsWith('#find=')) return;
  let id;
  try {
    id = decodeURIComponent(location.hash.slice('#find='.length));
  } catch {
    return; // typed by hand
  }
  $('find-id').value = id;
  $('find').scrollIntoView();
  find(id);
}

addEventListener('hashchange', followHash);
followHash();
