// Pausing and resuming, and the token that it takes.

import { $, outcome, text, whileBusy } from './dom.js';
import { change, enterToken, hasToken } from './api.js';

let paused = false;

export function showIntake(figures) {
  paused = figures.waitingFor?.some((closed) => closed.reason === 'paused') === true;
  $('intake').hidden = figures.changes === 'closed';
  text('intake', paused ? 'Resume' : 'Pause');
  $('token').hidden = figures.changes !== 'token';
  showToken();
  document.body.classList.toggle('read-only', figures.changes === 'closed');
  $('read-only').hidden = figures.changes !== 'closed';
}

function showToken() {
  text('token', hasToken() ? 'Token set' : 'Token');
}

$('intake').addEventListener('click', () => whileBusy($('intake'), async () => {
  try {
    await change(paused ? 'intake/resume' : 'intake/pause');
  } catch (problem) {
    outcome('state-words', problem.message);
  }
}));
$('token').addEventListener('click', () => enterToken());
addEventListener('tokenchange', showToken);
