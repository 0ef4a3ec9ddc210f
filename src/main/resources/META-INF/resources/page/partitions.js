// The partitions: those of this process as they are, and who has the others.

import { $, element, keepReachable, text } from './dom.js';
import { ask } from './api.js';
import { takingOver } from './state.js';
import { atLeastZero, bytes, count, plural } from './words.js';

const OTHERS_MS = 10_000;

/** Partitions of other processes, as the consumer group had them a moment ago. */
let others = [];
let askedAt = 0;
const rows = new Map();

export function showPartitions(figures) {
  const here = figures.process ? `this one, ${figures.process.host} ${figures.process.pid}` : 'this one';
  const own = (figures.lag?.partitions ?? []).map((one) => ({ ...one, process: here }));
  const names = new Set(own.map((one) => one.partition));
  const all = [...own, ...others.filter((one) => !names.has(one.partition))]
    .sort((a, b) => a.partition.localeCompare(b.partition, 'en', { numeric: true }));

  const lag = atLeastZero(figures.lag?.total);
  const takeovers = figures.lag?.takeovers ?? [];
  text('partitions-sentence', takeovers.length > 0 ? takingOver(takeovers)
    : own.length === 0 ? 'No partition is assigned to this process.'
    : `${lag === 0 ? 'Every record is settled' : `${plural(lag, 'record')} not settled`} in ${plural(own.length, 'partition')} of this process.`);
  $('partitions-table').hidden = all.length === 0;

  const present = new Set(all.map((one) => one.partition));
  for (const [name, row] of rows) {
    if (!present.has(name)) {
      row.node.remove();
      rows.delete(name);
    }
  }
  all.forEach((one, at) => {
    if (!rows.has(one.partition)) rows.set(one.partition, makeRow(one.partition));
    const row = rows.get(one.partition);
    const place = $('partition-rows').children[at] ?? null;
    if (place !== row.node) $('partition-rows').insertBefore(row.node, place);
    text(row.committed, count(one.committed));
    text(row.end, count(one.end));
    text(row.lag, count(one.lag));
    text(row.inWork, count(one.inWork));
    text(row.checkpoint, bytes(one.checkpointBytes));
    text(row.process, one.process ?? 'none');
  });
  if (Date.now() - askedAt > OTHERS_MS) findOthers();
}

function makeRow(name) {
  const node = element('tr');
  const head = element('th', name);
  head.scope = 'row';
  node.append(head);
  const row = { node };
  for (const column of ['committed', 'end', 'lag', 'inWork', 'checkpoint', 'process']) {
    row[column] = element('td', '', column === 'process' ? 'process' : undefined);
    node.append(row[column]);
  }
  return row;
}

new ResizeObserver(() => keepReachable($('partitions-scroll'), 'Table of partitions')).observe($('partitions-table'));

async function findOthers() {
  askedAt = Date.now();
  try {
    others = (await ask('partitions')).partitions.map((one) => ({ ...one, process: one.owner ? `${one.owner.host}, ${one.owner.member}` : 'none' }));
  } catch {
    others = []; // the broker does not say
  }
}
