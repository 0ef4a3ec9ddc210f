// The page at "/". Plain DOM, no library; every value of Pawl's reaches it as text, never as markup.
'use strict';

(() => {
  const POLL_MS = 1000;
  const PATIENCE_MS = 5000; // a stopped process accepts the connection and never answers
  const PUBLISH_PATIENCE_MS = 30000;
  const BACK_NOTICE_MS = 12000;

  const $ = (id) => document.getElementById(id);

  function text(target, value) {
    const node = typeof target === 'string' ? $(target) : target;
    if (node.textContent !== value) node.textContent = value; // unchanged text must not be announced again
  }

  function element(name, content, className) {
    const node = document.createElement(name);
    if (content !== undefined) node.textContent = content;
    if (className) node.className = className;
    return node;
  }

  // --- Words and figures ------------------------------------------------------------------------------------------

  const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
  const tenth = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
  const isNumber = (value) => typeof value === 'number' && Number.isFinite(value);
  const count = (value) => (isNumber(value) ? whole.format(value) : '–');
  const atLeastZero = (value) => (isNumber(value) && value > 0 ? value : 0);
  const plural = (n, one, many) => `${count(n)} ${n === 1 ? one : many}`;

  function money(value, currency) {
    if (!isNumber(value)) return '–';
    const digits = Math.abs(value) < 1 ? 4 : 2;
    try {
      return new Intl.NumberFormat('en', { style: 'currency', currency, minimumFractionDigits: 2, maximumFractionDigits: digits }).format(value);
    } catch {
      return `${value.toFixed(digits)} ${currency ?? ''}`.trim();
    }
  }

  const two = (n) => String(n).padStart(2, '0');
  const clock = (date) => `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });

  function instant(value) {
    if (value === null || value === undefined) return null;
    const date = new Date(value);
    return Number.isNaN(date.getTime()) ? null : date;
  }

  /** 11:36 today, 24 Nov at 11:36 on any other day. */
  function moment(date, seconds) {
    const time = seconds ? clock(date) : clock(date).slice(0, 5);
    return date.toDateString() === new Date().toDateString() ? time : `${day.format(date)} at ${time}`;
  }

  function timeLeft(ms) {
    const minutes = ms / 60000;
    if (minutes < 0.75) return 'less than a minute';
    if (minutes < 90) return `about ${plural(Math.round(minutes), 'minute', 'minutes')}`;
    if (minutes < 36 * 60) return `about ${plural(Math.round(minutes / 60), 'hour', 'hours')}`;
    return `about ${plural(Math.round(minutes / 1440), 'day', 'days')}`;
  }

  // --- The figures ------------------------------------------------------------------------------------------------

  let turns = 0; // teeth the logo's wheel has gone, one for each look that finds more done
  let lastDone = null;
  let share = { done: 0, work: 0, total: 0 };

  function render(p) {
    const documents = p.documents ?? {};
    const checkpoint = p.checkpoint ?? {};
    const lagTotal = atLeastZero(p.lag?.total);
    const inWork = atLeastZero(documents.inWork);
    const finished = atLeastZero(checkpoint.done) + atLeastZero(checkpoint.failed);
    const total = finished + lagTotal;

    renderState(p);
    renderBar(finished, inWork, total);
    renderPace(p, lagTotal, inWork);

    text('done', count(checkpoint.done));
    text('done-aside', isNumber(documents.completed) ? `${count(documents.completed)} since this start` : '');
    text('in-work', count(documents.inWork));
    text('in-work-aside', isNumber(documents.maxInFlight) ? `at most ${count(documents.maxInFlight)} at once` : '');
    text('waiting', isNumber(p.lag?.total) ? count(Math.max(0, lagTotal - inWork)) : '–');
    text('waiting-aside', lagTotal > 0 ? `${count(lagTotal)} not yet acknowledged` : '');
    text('failed', count(checkpoint.failed));
    text('failed-aside', isNumber(documents.failed) ? `${count(documents.failed)} since this start` : '');

    renderPaid(p, documents, checkpoint);
    renderLag(p.lag, inWork);
  }

  function renderState(p) {
    const standIn = p.model?.standIn === true;
    $('stand-in').hidden = !standIn;
    const name = p.model?.name;
    $('model').hidden = standIn || !name;
    text('model', name ? `Model ${name}` : '');

    $('ready').dataset.state = p.ready === true ? 'ready' : 'not-ready';
    text('ready', p.ready === true ? 'Ready' : 'Not ready');
  }

  function renderBar(finished, inWork, total) {
    const percent = total > 0 ? Math.floor((100 * finished) / total) : 0; // 100 % is only ever all of them
    text('progress-done', count(finished));
    text('progress-of', total > 0 ? `of ${plural(total, 'document', 'documents')} finished` : 'documents so far');
    text('progress-percent', total > 0 ? `${percent}%` : '');
    document.title = total > 0 ? `${percent}% · Pawl` : 'Pawl';

    const bar = $('bar');
    bar.setAttribute('aria-valuenow', String(percent));
    bar.setAttribute('aria-valuetext', total > 0
      ? `${count(finished)} of ${plural(total, 'document', 'documents')} finished, ${percent} percent`
      : 'No documents yet');

    share = { done: finished, work: Math.min(total, finished + inWork), total };
    placeBar();

    if (lastDone !== null && finished > lastDone) {
      turns += 1;
      $('wheel').style.transform = `rotate(${turns * 30}deg)`;
    }
    lastDone = finished;
  }

  /** Few documents: a tooth, or a few teeth, for each. Many: as many teeth as the width carries. */
  function teethFor(width, total) {
    const most = Math.max(8, Math.floor(width / 14));
    if (total < 1 || total > most) return most;
    return total * Math.max(1, Math.floor(most / total));
  }

  let drawnTeeth = 0;

  function placeBar() {
    const teeth = teethFor($('bar').clientWidth, share.total);
    if (teeth !== drawnTeeth) {
      drawnTeeth = teeth;
      const pitch = 1000 / teeth;
      let path = 'M0 44V12';
      for (let k = 1; k <= teeth; k++) {
        const x = (k * pitch).toFixed(2);
        path += `L${x} 1V12`;
      }
      $('rack-teeth').setAttribute('d', `${path}V44Z`);
    }
    const done = share.total > 0 ? share.done / share.total : 0;
    const work = share.total > 0 ? share.work / share.total : 0;
    $('rack-done').style.transform = `scaleX(${done})`;
    $('rack-work').style.transform = `scaleX(${work})`;
    $('rack-pawl').style.left = `${(100 * Math.floor(done * teeth + 1e-9)) / teeth}%`;
  }

  function renderPace(p, lagTotal, inWork) {
    if (lagTotal === 0 && inWork === 0) {
      text('rate', 'Nothing is waiting.');
      text('eta', '');
      return;
    }
    const rate = p.rate?.documentsPerMinute;
    text('rate', isNumber(rate)
      ? `${rate < 10 ? tenth.format(rate) : whole.format(rate)} ${rate === 1 ? 'document' : 'documents'} a minute.`
      : 'The rate is not known yet.');

    const eta = instant(p.eta);
    if (eta === null) {
      text('eta', 'How long it takes is not known yet.');
    } else if (eta.getTime() <= Date.now()) {
      text('eta', 'Done any moment now.');
    } else {
      const words = timeLeft(eta.getTime() - Date.now());
      text('eta', `${words[0].toUpperCase()}${words.slice(1)} left, done around ${moment(eta, false)}.`);
    }
  }

  function renderPaid(p, documents, checkpoint) {
    const made = p.calls?.made;
    const saved = p.calls?.saved;
    if (isNumber(made) && isNumber(saved)) {
      text('saved-sentence', saved > 0
        ? `${count(saved)} of ${plural(made + saved, 'model call was', 'model calls were')} in the checkpoint already, and not made again.`
        : 'No call saved yet: nothing has been asked for a second time.');
    }
    text('calls-made', count(made));
    text('calls-saved', count(saved));
    text('input-spent', count(p.tokens?.inputSpent));
    text('input-saved', count(p.tokens?.inputSaved));
    text('output-spent', count(p.tokens?.outputSpent));
    text('output-saved', count(p.tokens?.outputSaved));
    $('cost').hidden = !p.cost;
    text('no-price', p.cost ? '' : 'No price is set for this model, so no cost is shown.');
    text('cost-spent', money(p.cost?.spent, p.cost?.currency));
    text('cost-saved', money(p.cost?.saved, p.cost?.currency));
    text('resumed', count(documents.resumed));
    text('repeated', count(documents.repeated));
    text('skipped', count(documents.skipped));
    const started = instant(p.startedAt);
    text('since', started ? `Counted since this start, ${moment(started, true)}.` : '');
    text('unfinished', checkpoint.unfinished > 0
      ? `The checkpoint also keeps the finished steps of ${plural(checkpoint.unfinished, 'unfinished document', 'unfinished documents')}.`
      : '');
  }

  const lagRows = new Map();

  function renderLag(lag, inWork) {
    const partitions = (Array.isArray(lag?.partitions) ? lag.partitions : [])
      .filter((one) => one && one.partition !== undefined)
      .map((one) => ({ name: String(one.partition), lag: atLeastZero(one.lag), inWork: atLeastZero(one.inWork) }))
      .sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));

    text('lag-sentence', partitions.length === 0
      ? 'No partition is assigned to this process.'
      : atLeastZero(lag?.total) === 0 ? 'Every record is acknowledged.'
      : `${plural(atLeastZero(lag?.total), 'record', 'records')} not yet acknowledged in ${plural(partitions.length, 'partition', 'partitions')}, ${count(inWork)} of them in work.`);
    $('lag').hidden = partitions.length === 0;

    const present = new Set(partitions.map((one) => one.name));
    for (const [name, row] of lagRows) {
      if (!present.has(name)) {
        row.node.remove();
        lagRows.delete(name);
      }
    }
    const longest = Math.max(1, ...partitions.map((one) => Math.max(one.lag, one.inWork)));
    partitions.forEach((one, at) => {
      let row = lagRows.get(one.name);
      if (!row) {
        row = lagRow(one.name);
        lagRows.set(one.name, row);
      }
      const place = $('lag-rows').children[at] ?? null;
      if (place !== row.node) $('lag-rows').insertBefore(row.node, place);
      row.waiting.style.width = `${(100 * one.lag) / longest}%`;
      row.working.style.width = `${(100 * one.inWork) / longest}%`;
      text(row.inWork, count(one.inWork));
      text(row.lag, count(one.lag));
    });
    keepReachable();
  }

  function lagRow(name) {
    const node = element('tr');
    const head = element('th', name);
    head.scope = 'row';
    const cell = element('td', undefined, 'lag-cell');
    const bar = element('div', undefined, 'lag-bar');
    const waiting = element('span', undefined, 'lag-waiting');
    const working = element('span', undefined, 'lag-working');
    bar.append(waiting, working);
    cell.append(bar);
    const inWork = element('td');
    const lag = element('td');
    node.append(head, cell, inWork, lag);
    return { node, waiting, working, inWork, lag };
  }

  /** A table longer than its frame can be scrolled with the keyboard, a shorter one is no stop on the way. */
  function keepReachable() {
    const frame = $('lag-scroll');
    if (frame.scrollHeight > frame.clientHeight + 1) {
      frame.tabIndex = 0;
      frame.setAttribute('role', 'region');
      frame.setAttribute('aria-labelledby', 'lag-title');
    } else {
      frame.removeAttribute('tabindex');
      frame.removeAttribute('role');
      frame.removeAttribute('aria-labelledby');
    }
  }

  // --- Polling ----------------------------------------------------------------------------------------------------

  let round = 0; // an answer to an earlier round than this one is not wanted any more
  let timer = 0;
  let request = null;
  let lostSince = null;
  let startedAt = null;
  let backUntil = 0;
  let backText = '';

  class Answer extends Error {}

  async function ask(path, options, patience) {
    const controller = options.controller ?? new AbortController();
    const limit = setTimeout(() => controller.abort(), patience);
    try {
      const response = await fetch(path, { cache: 'no-store', ...options, controller: undefined, signal: controller.signal });
      const body = await response.text();
      return { status: response.status, ok: response.ok, body };
    } finally {
      clearTimeout(limit);
    }
  }

  function parsed(body) {
    try {
      return JSON.parse(body);
    } catch {
      return undefined;
    }
  }

  async function poll() {
    const mine = ++round;
    clearTimeout(timer);
    request?.abort();
    request = new AbortController();
    try {
      const answer = await ask('progress', { controller: request, headers: { Accept: 'application/json' } }, PATIENCE_MS);
      if (mine !== round) return;
      const figures = answer.ok ? parsed(answer.body) : undefined;
      if (figures === null || typeof figures !== 'object') throw new Answer(answer.ok ? 'no figures' : `HTTP ${answer.status}`);
      found(figures);
    } catch (problem) {
      if (mine !== round) return;
      lost(problem);
    }
    timer = setTimeout(poll, POLL_MS);
  }

  function found(figures) {
    const now = Date.now();
    const restarted = startedAt !== null && figures.startedAt !== startedAt;
    if (lostSince !== null || restarted) {
      const again = lostSince === null ? '' : ` after ${plural(Math.max(1, Math.round((now - lostSince) / 1000)), 'second', 'seconds')}`;
      if (startedAt !== null) {
        const started = instant(figures.startedAt);
        backText = restarted
          ? `Pawl is back${again}: a new process, started ${started ? moment(started, true) : 'just now'}. It goes on where the last one stopped.`
          : `Pawl is back${again}.`;
        backUntil = now + BACK_NOTICE_MS;
      }
      lostSince = null;
      findSamples();
    }
    startedAt = figures.startedAt ?? null;
    document.body.classList.remove('stale');
    render(figures);

    if (figures.ready !== true) notice('not-ready', `Not ready: ${figures.reason ?? 'no reason given'}`);
    else if (now < backUntil) notice('back', backText);
    else notice('', '');
  }

  function lost(problem) {
    if (lostSince === null) lostSince = Date.now();
    document.body.classList.add('stale');
    $('ready').dataset.state = 'lost';
    text('ready', 'No connection');
    const since = clock(new Date(lostSince));
    notice('lost', problem instanceof Answer
      ? `No figures from Pawl since ${since} (${problem.message}), trying again`
      : `No connection to Pawl since ${since}, trying again`);
  }

  function notice(kind, words) {
    $('status').dataset.kind = kind;
    text('status', words);
  }

  document.addEventListener('visibilitychange', () => {
    if (document.hidden) {
      round++;
      clearTimeout(timer);
      request?.abort();
    } else {
      poll();
    }
  });

  // --- Try it -----------------------------------------------------------------------------------------------------

  async function samples() {
    const answer = await ask('dev/samples', { headers: { Accept: 'application/json' } }, PATIENCE_MS);
    if (answer.status === 404) return null;
    const ids = answer.ok ? parsed(answer.body) : undefined;
    if (!Array.isArray(ids)) throw new Answer(`The samples could not be read (HTTP ${answer.status}).`);
    return ids.map(String);
  }

  function showSamples(ids) {
    $('try').hidden = ids === null;
    if (ids === null) return;
    text('samples-count', plural(ids.length, 'sample document', 'sample documents'));
    $('sample-ids').replaceChildren(...ids.map((id) => {
      const option = element('option');
      option.value = id;
      return option;
    }));
  }

  async function findSamples() {
    try {
      showSamples(await samples());
    } catch {
      // no connection: asked again when it is back
    }
  }

  function outcome(id, words, bad) {
    $(id).dataset.kind = bad ? 'bad' : '';
    text(id, words);
  }

  /** What went wrong, in the server's own words where it has some. */
  function complaint(answer) {
    const body = parsed(answer.body);
    const words = body?.message ?? body?.reason ?? body?.error ?? body?.details ?? (body === undefined ? answer.body : '');
    const said = typeof words === 'string' && !words.trimStart().startsWith('<') ? words.trim().slice(0, 300) : '';
    return said ? `${said} (HTTP ${answer.status})` : `Pawl answered HTTP ${answer.status}.`;
  }

  const publish = $('publish');

  publish.addEventListener('click', async () => {
    if (publish.getAttribute('aria-disabled') === 'true') return;
    publish.setAttribute('aria-disabled', 'true'); // not disabled: it would lose the keyboard's focus
    outcome('publish-status', 'Publishing', false);
    $('publish-rejected').replaceChildren();
    try {
      const ids = await samples();
      showSamples(ids);
      if (ids !== null) await publishAll(ids);
    } catch (problem) {
      outcome('publish-status', problem instanceof Answer ? problem.message
        : problem.name === 'AbortError' ? 'No answer. Some may have been published; publishing again does no harm.'
          : 'No connection to Pawl. Publishing again when it is back does no harm.', true);
    } finally {
      publish.removeAttribute('aria-disabled');
    }
  });

  async function publishAll(ids) {
    const answer = await ask('documents', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
      body: JSON.stringify(ids.map((id) => ({ id }))),
    }, PUBLISH_PATIENCE_MS);
    const body = parsed(answer.body);
    if (!answer.ok || body === null || typeof body !== 'object') throw new Answer(complaint(answer));

    const rejected = Array.isArray(body.rejected) ? body.rejected : [];
    const accepted = `${plural(body.accepted, 'document', 'documents')} published`;
    outcome('publish-status', rejected.length === 0 ? `${accepted}.` : `${accepted}, ${count(rejected.length)} rejected:`, rejected.length > 0);
    const shown = rejected.slice(0, 5).map((one) => element('li', `Line ${one?.line}: ${one?.reason}`));
    if (rejected.length > shown.length) shown.push(element('li', `and ${count(rejected.length - shown.length)} more`));
    $('publish-rejected').replaceChildren(...shown);
  }

  // --- Look up a document -------------------------------------------------------------------------------------------

  const STATUS = {
    done: 'Done',
    failed: 'Failed',
    forgotten: 'Forgotten: its next delivery runs again',
    unfinished: 'Unfinished: its next delivery goes on after the steps below',
  };

  let lookups = 0;

  $('lookup').addEventListener('submit', async (event) => {
    event.preventDefault();
    const id = $('lookup-id').value.trim();
    if (!id) return;
    const mine = ++lookups;
    $('document').replaceChildren();
    if (id === '.' || id === '..') {
      outcome('lookup-status', 'A browser cannot ask for this ID: in an address it means a folder.', true);
      return;
    }
    outcome('lookup-status', 'Looking it up', false);
    try {
      const answer = await ask(`documents/${encodeURIComponent(id)}`, { headers: { Accept: 'application/json' } }, PATIENCE_MS);
      if (mine !== lookups) return;
      if (answer.status === 404) {
        outcome('lookup-status', 'Not known here', false);
        return;
      }
      const found = answer.ok ? parsed(answer.body) : undefined;
      if (found === null || typeof found !== 'object') throw new Answer(complaint(answer));
      showDocument(found);
      outcome('lookup-status', `${found.id ?? id}: ${found.status ?? 'status unknown'}`, found.status === 'failed');
    } catch (problem) {
      if (mine !== lookups) return;
      outcome('lookup-status', problem instanceof Answer ? problem.message : 'No connection to Pawl. Try again when it is back.', true);
    }
  });

  const pretty = (value) => (typeof value === 'string' ? value : JSON.stringify(value, null, 2));

  function usage(used) {
    return [
      plural(used.calls ?? 0, 'model call', 'model calls'),
      plural(used.inputTokens ?? 0, 'input token', 'input tokens'),
      plural(used.outputTokens ?? 0, 'output token', 'output tokens'),
    ].join(', ');
  }

  function showDocument(found) {
    const facts = element('dl');
    const fact = (name, value) => {
      if (value !== undefined && value !== null && value !== '') facts.append(element('dt', name), element('dd', String(value)));
    };
    fact('Status', STATUS[found.status] ?? found.status);
    fact('Source', found.source);
    const at = instant(found.ts);
    fact('Written', at ? moment(at, true) : undefined);
    fact('Usage', found.usage ? usage(found.usage) : undefined);
    if (found.error) {
      fact('Error', [found.error.kind, found.error.message].filter(Boolean).join(': '));
      fact('Attempts', found.error.attempts);
    }

    const overall = element('div');
    const steps = element('div');
    overall.append(facts);
    const block = (into, title, value, id) => {
      const head = element('h3', title);
      head.id = id;
      const pre = element('pre', pretty(value));
      pre.tabIndex = 0; // long ones scroll
      pre.setAttribute('role', 'region');
      pre.setAttribute('aria-labelledby', id);
      into.append(head, pre);
    };
    if (found.result !== undefined) block(overall, 'Result', found.result, 'document-result');
    (Array.isArray(found.steps) ? found.steps : []).forEach((step, number) => {
      block(steps, `Step ${step?.step ?? number + 1}`, step?.output ?? null, `document-step-${number}`);
      if (step?.usage) steps.append(element('p', usage(step.usage), 'aside'));
    });
    $('document').replaceChildren(overall, steps);
  }

  // --- Start ------------------------------------------------------------------------------------------------------

  new ResizeObserver(() => placeBar()).observe($('bar'));
  placeBar();
  findSamples();
  if (!document.hidden) poll();
})();
