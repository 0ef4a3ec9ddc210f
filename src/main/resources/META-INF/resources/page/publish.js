// Publishing documents: pasted, from a file, or the samples of dev mode.

import { $, element, outcome, whileBusy } from './dom.js';
import { ask, change } from './api.js';
import { count, plural } from './words.js';

const NDJSON = 'application/x-ndjson';
const LARGE_MS = 3_600_000; // a million documents take their time
const SHOWN = 5;

const form = $('publish-form');
const button = form.querySelector('button[type=submit]');

form.addEventListener('submit', (event) => {
  event.preventDefault();
  const pasted = $('publish-ids').value;
  if (pasted.trim() === '') {
    outcome('publish-status', 'Paste some IDs first, one a line.', 'bad');
    return;
  }
  whileBusy(button, () => publish(pasted, typeOf(pasted)));
});

$('publish-file').addEventListener('change', (event) => {
  const file = event.target.files[0];
  event.target.value = ''; // the same file can be chosen again
  if (file) publishFile(file);
});

form.addEventListener('dragover', (event) => {
  event.preventDefault();
  form.classList.add('drop');
});
form.addEventListener('dragleave', () => form.classList.remove('drop'));
form.addEventListener('drop', (event) => {
  event.preventDefault();
  form.classList.remove('drop');
  const file = event.dataTransfer.files[0];
  if (file) publishFile(file);
});

/** By what it begins with. */
function typeOf(pasted) {
  const first = pasted.trimStart()[0];
  if (first === '[') return 'application/json';
  return first === '{' || first === '"' ? NDJSON : 'text/plain';
}

function publishFile(file) {
  const type = /\.(ndjson|jsonl)$/i.test(file.name) ? NDJSON : /\.json$/i.test(file.name) ? 'application/json' : 'text/plain';
  whileBusy(button, () => publish(file, type));
}

async function publish(body, type, status = 'publish-status') {
  outcome(status, 'Publishing');
  $('publish-rejected').replaceChildren();
  try {
    show(await change('documents', { body, headers: { 'Content-Type': type }, patience: LARGE_MS }), status);
  } catch (problem) {
    outcome(status, problem.status === 0 ? `${problem.message} Publishing again when it is back does no harm.` : problem.message, 'bad');
  }
}

function show({ accepted, rejected, rejectedTotal = 0 }, status) {
  const published = `${plural(accepted, 'document')} published`;
  outcome(status, rejectedTotal === 0 ? `${published}.` : `${published}, ${count(rejectedTotal)} rejected:`, rejectedTotal === 0 ? '' : 'bad');
  const shown = rejected.slice(0, SHOWN).map((one) => element('li', `Line ${one.line}: ${one.reason}`));
  if (rejectedTotal > shown.length) shown.push(element('li', `and ${count(rejectedTotal - shown.length)} more`));
  $('publish-rejected').replaceChildren(...shown);
}

// --- Dev mode ------------------------------------------------------------------------------------------------------

/** There are none outside dev mode. */
export async function findSamples() {
  try {
    const ids = await ask('dev/samples');
    $('try').hidden = ids.length === 0;
    $('publish-samples').textContent = `Publish the ${count(ids.length)} samples`;
  } catch {
    $('try').hidden = true;
  }
}

$('publish-samples').addEventListener('click', () => whileBusy($('publish-samples'), async () => {
  try {
    await publish(JSON.stringify(await ask('dev/samples')), 'application/json', 'samples-status');
  } catch (problem) {
    outcome('samples-status', problem.message, 'bad');
  }
}));
