// The stream of figures: a report a second. Says when it has ended, and tries again.

import { clock } from './words.js';
import { $, text } from './dom.js';

const SILENCE_MS = 5000; // a stopped process keeps its connections open and says nothing
const PAUSES_MS = [500, 1000, 2000, 3000];

/** @param heard called with each report, and for how many milliseconds there was none before; null where there was */
export function connect(heard) {
  let source = null;
  let silence = 0;
  let next = 0;
  let failures = 0;
  let lostSince = null;

  function open() {
    close();
    source = new EventSource('progress/stream');
    source.onmessage = (event) => {
      let figures;
      try {
        figures = JSON.parse(event.data);
      } catch {
        return;
      }
      listen();
      failures = 0;
      document.body.classList.remove('stale');
      show('live', 'Live');
      const lostMs = lostSince === null ? null : Date.now() - lostSince;
      lostSince = null;
      heard(figures, lostMs);
    };
    source.onerror = lost;
    listen();
  }

  function listen() {
    clearTimeout(silence);
    silence = setTimeout(lost, SILENCE_MS);
  }

  function lost() {
    close();
    lostSince ??= new Date();
    document.body.classList.add('stale');
    show('lost', `No connection since ${clock(lostSince)}, trying again`);
    next = setTimeout(open, PAUSES_MS[Math.min(failures, PAUSES_MS.length - 1)]);
    failures += 1;
  }

  function close() {
    clearTimeout(silence);
    clearTimeout(next);
    source?.close();
    source = null;
  }

  // A browser opens few connections to one host, and a tab that nobody sees should hold none of them.
  document.addEventListener('visibilitychange', () => (document.hidden ? close() : open()));
  open();
}

function show(state, words) {
  $('connection').dataset.state = state;
  text('connection', words);
}
