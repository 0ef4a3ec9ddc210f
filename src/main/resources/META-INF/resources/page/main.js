// The page at "/": hands each report of the stream to the parts that show it. Plain modules, no build; every value of Pawl's reaches the
// page as text.

import { connect } from './connection.js';
import { showState } from './state.js';
import { placeBar, showAbout, showProgress } from './progress.js';
import { addSample, loadHistory } from './charts.js';
import { showSpend } from './spend.js';
import { showPartitions } from './partitions.js';
import { noticeFailures } from './failures.js';
import { showIntake } from './intake.js';
import { findSamples } from './publish.js';
import './document.js';
import { $, text } from './dom.js';
import { duration, instant, moment } from './words.js';

const TOLD_MS = 12_000;

let startedAt = null;
let told = 0;

connect((figures, lostMs) => {
  const another = startedAt !== figures.startedAt;
  if (another || lostMs !== null) {
    tell([
      lostMs === null ? '' : `Connected again after ${duration(lostMs)}.`,
      another && startedAt !== null ? `A new process, started ${moment(instant(figures.startedAt), true)}: it goes on where the last one stopped.` : '',
    ].filter(Boolean).join(' '));
    startedAt = figures.startedAt;
    loadHistory();
    findSamples();
  }
  showAbout(figures);
  showState(figures);
  showProgress(figures);
  addSample(figures);
  showSpend(figures);
  showPartitions(figures);
  noticeFailures(figures);
  showIntake(figures);
});

/** For a while, beside what is live. */
function tell(words) {
  clearTimeout(told);
  text('news', words);
  told = setTimeout(() => text('news', ''), TOLD_MS);
}

new ResizeObserver(placeBar).observe($('bar'));
