// How far, how fast, and when done. The bar is a rack of teeth, with a pawl behind the last whole one.

import { $, text } from './dom.js';
import { atLeastZero, count, duration, instant, isNumber, moment, pace, plural, sentence, timeLeft } from './words.js';

let share = { settled: 0, failed: 0, inWork: 0, published: 0 };
let turns = 0; // teeth that the logo's wheel has gone
let settledBefore = null;
let drawnTeeth = 0;

export function showProgress(figures) {
  const documents = figures.documents ?? {};
  const checkpoint = figures.checkpoint ?? {};
  const backlog = figures.backlog ?? {};
  const inWork = atLeastZero(documents.inWork);
  const lag = atLeastZero(figures.lag?.total);

  showBar(backlog, inWork, atLeastZero(checkpoint.failed));
  showPace(figures, backlog, lag);

  text('done', count(checkpoint.done));
  text('done-aside', isNumber(documents.completed) ? `${count(documents.completed)} since this start` : '');
  text('in-work', count(documents.inWork));
  text('in-work-aside', isNumber(documents.maxInFlight) ? `at most ${count(documents.maxInFlight)} at once` : '');
  text('waiting', count(Math.max(0, lag - inWork)));
  text('waiting-aside', lag > 0 ? `${count(lag)} not settled` : 'nothing');
  text('failed', count(checkpoint.failed));
  text('failed-aside', isNumber(documents.failed) ? `${count(documents.failed)} since this start` : '');
  text('skipped', count(atLeastZero(documents.skipped) + atLeastZero(documents.repeated)));
  text('resumed', count(documents.resumed));
}

// --- The bar -------------------------------------------------------------------------------------------------------

function showBar(backlog, inWork, failed) {
  const published = atLeastZero(backlog.published);
  const settled = Math.min(published, atLeastZero(backlog.settled));
  const percent = published > 0 ? Math.floor((100 * settled) / published) : 0; // 100 % is only ever all of them
  const by = instant(backlog.publishedBy);
  const of = published > 0 ? `of ${count(published)} published by ${by === null ? 'now' : moment(by)}` : 'documents published yet';
  text('settled', published > 0 ? count(settled) : 'No');
  text('published', of);
  text('percent', published > 0 ? `${percent}%` : '');
  document.title = published > 0 ? `${percent}% · Pawl` : 'Pawl';

  const bar = $('bar');
  bar.setAttribute('aria-valuenow', String(percent));
  bar.setAttribute('aria-valuetext', published > 0 ? `${count(settled)} ${of}, ${percent} percent` : 'No documents yet');

  share = { settled, failed: Math.min(failed, settled), inWork: Math.min(inWork, published - settled), published };
  placeBar();

  if (settledBefore !== null && settled > settledBefore) {
    turns += 1;
    $('wheel').style.transform = `rotate(${turns * 30}deg)`;
  }
  settledBefore = settled;
}

/** Few documents: a tooth, or a few teeth, for each. Many: as many teeth as the width carries. */
function teethFor(width) {
  const most = Math.max(8, Math.floor(width / 14));
  if (share.published < 1 || share.published > most) return most;
  return share.published * Math.max(1, Math.floor(most / share.published));
}

export function placeBar() {
  const teeth = teethFor($('bar').clientWidth);
  if (teeth !== drawnTeeth) {
    drawnTeeth = teeth;
    let path = 'M0 44V12';
    for (let tooth = 1; tooth <= teeth; tooth++) path += `L${((1000 / teeth) * tooth).toFixed(2)} 1V12`;
    $('rack-teeth').setAttribute('d', `${path}V44Z`);
  }
  const part = (documents) => (share.published > 0 ? documents / share.published : 0);
  const settled = part(share.settled);
  $('rack-done').style.transform = `scaleX(${settled})`;
  $('rack-work').style.transform = `scaleX(${part(share.settled + share.inWork)})`;
  $('rack-failed').setAttribute('x', String(1000 * part(share.settled - share.failed)));
  $('rack-failed').setAttribute('width', String(1000 * part(share.failed)));
  $('rack-pawl').style.left = `min(${(100 * Math.floor(settled * teeth + 1e-9)) / teeth}%, 100% - 0.375rem)`; // not beyond a narrow screen
}

// --- The pace ------------------------------------------------------------------------------------------------------

function showPace(figures, backlog, lag) {
  const since = instant(backlog.since);
  const doneAt = instant(backlog.doneAt);
  if (lag === 0) {
    text('rate', atLeastZero(backlog.published) === 0 ? 'Publish some below, or to the topic.' : `All done${doneAt === null ? '' : ` at ${moment(doneAt)}`}.`);
    text('eta', '');
    text('elapsed', doneAt !== null && since !== null && doneAt > since && backlog.published > 0 ? `It took ${duration(doneAt - since)}.` : '');
    return;
  }
  const perMinute = figures.rate?.documentsPerMinute;
  text('rate', isNumber(perMinute) ? `${pace(perMinute)} ${perMinute === 1 ? 'document' : 'documents'} a minute.` : '');
  text('eta', eta(figures));
  text('elapsed', since === null ? '' : `${duration(Date.now() - since)} elapsed.`);
}

function eta(figures) {
  const at = instant(figures.eta);
  if (at === null) return figures.waitingFor?.length > 0 ? 'It goes on when the wait is over.' : 'How long it takes is not known yet.';
  const ms = at - Date.now();
  if (ms <= 0) return 'Done any moment now.';
  const earliest = instant(figures.etaSpread?.earliest);
  const latest = instant(figures.etaSpread?.latest);
  const left = timeLeft(ms, earliest === null ? NaN : earliest - Date.now(), latest === null ? NaN : latest - Date.now());
  return `${sentence(left)}, done around ${moment(at, ms < 90_000)}.`;
}

// --- What stays the same -------------------------------------------------------------------------------------------

export function showAbout(figures) {
  const standIn = figures.model?.standIn === true;
  $('stand-in').hidden = !standIn;
  const started = instant(figures.startedAt);
  text('about', [
    figures.model?.name ? `Model ${figures.model.name}` : '',
    figures.process ? `process ${figures.process.pid} on ${figures.process.host}` : '',
    started === null ? '' : `started ${moment(started, true)}`,
  ].filter(Boolean).join(', '));
}
