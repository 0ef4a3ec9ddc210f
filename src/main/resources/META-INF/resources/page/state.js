// What Pawl is doing, or waiting for, in words.

import { $, text } from './dom.js';
import { count, duration, instant, moment, plural, sentence } from './words.js';

export function showState(figures) {
  const [state, name, words] = describe(figures);
  $('state').dataset.state = state;
  text('state-name', name);
  text('state-words', words);
}

function describe(figures) {
  const closed = (reason) => figures.waitingFor?.find((each) => each.reason === reason);
  const inWork = figures.documents?.inWork ?? 0;
  const waiting = Math.max(0, (figures.lag?.total ?? 0) - inWork);

  if (figures.ready === false) return ['failed', 'Not ready', sentence(`${figures.reason ?? 'no reason is given'}.`)];
  if (closed('paused')) return ['paused', 'Paused', paused(closed('paused'), inWork, waiting)];
  if (closed('budget')) return ['waiting', 'Budget reached', sentence(`${closed('budget').detail}.`)];
  if (closed('provider')) return ['outage', 'Model endpoint down', outage(closed('provider'), inWork, waiting)];
  if (figures.state === 'stuck') return ['failed', 'Stuck', 'Nothing has moved for longer than a chain may take. A supervisor should start Pawl again.'];
  if (figures.limits?.heldMs > 0) return ['waiting', 'Waiting', `The endpoint wants no call for another ${duration(figures.limits.heldMs)}.`];
  if (figures.limits?.waiting > 0) return ['waiting', 'At the limit', limited(figures.limits)];
  const takeovers = figures.lag?.takeovers ?? [];
  if (takeovers.length > 0 && inWork === 0 && waiting === 0) return ['waiting', 'Taking over', takingOver(takeovers)];
  if (figures.lag?.partitions?.length === 0) return ['idle', 'Idle', 'This process has no partition: it just started, or others have them all.'];
  if (inWork > 0 || waiting > 0) return ['working', 'Working', `${plural(inWork, 'document')} in work, ${count(waiting)} waiting.`];
  return ['idle', 'Idle', 'Nothing is waiting.'];
}

/** Those who wait read a clock on their wall, not in another time zone. */
const withoutTime = (detail) => detail.replace(/,? (at|since) \d{4}-\d\d-\d\dT[\d:.]+Z/, '');

function since(closed) {
  const at = instant(closed.since);
  return at === null ? '' : `since ${moment(at, true)}, for ${duration(Date.now() - at)}`;
}

function paused(closed, inWork, waiting) {
  const rest = inWork > 0 ? `${plural(inWork, 'document')} in work go on.` : `${plural(waiting, 'document')} waiting.`;
  return `${sentence(withoutTime(closed.detail))}, ${since(closed)}. ${rest}`;
}

function outage(closed, inWork, waiting) {
  return `${sentence(withoutTime(closed.detail))}, ${since(closed)}. ${plural(inWork + waiting, 'document')} wait; nothing is lost, and work goes on by itself.`;
}

export function takingOver(takeovers) {
  const holders = [...new Set(takeovers.map((each) => each.holder).filter(Boolean))];
  const partitions = plural(takeovers.length, 'partition');
  const one = takeovers.length === 1;
  if (holders.length > 0) return `${partitions} ${one ? 'waits' : 'wait'} until ${holders.join(' and ')} ${one ? 'lets its checkpoint' : 'let their checkpoints'} go.`;
  const total = (name) => takeovers.reduce((sum, each) => sum + (each[name] ?? 0), 0);
  const read = total('entries') > 0 ? `: ${count(total('read'))} of ${plural(total('entries'), 'line')} read` : '';
  return `${partitions} ${one ? 'gets its checkpoint from its mirror' : 'get their checkpoints from the mirror'}${read}.`;
}

function limited(limits) {
  const permitted = [
    limits.requestsPerMinute == null ? '' : plural(limits.requestsPerMinute, 'call'),
    limits.tokensPerMinute == null ? '' : plural(limits.tokensPerMinute, 'token'),
  ].filter(Boolean).join(' and ');
  return `${plural(limits.waiting, 'call')} wait for the provider's limit${permitted ? `, ${permitted} a minute` : ''}. ${count(limits.inAir)} in the air, at most ${count(limits.maxConcurrency)} at once.`;
}
