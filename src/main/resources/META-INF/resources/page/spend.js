// What calls took and cost, and what the checkpoint saved.

import { $, text } from './dom.js';
import { count, instant, moment, money, plural } from './words.js';

export function showSpend(figures) {
  const { ledger = {}, tokens = {}, cost, budget } = figures;
  text('saved-sentence', ledger.saved > 0
    ? `${count(ledger.saved)} of ${plural(ledger.spent + ledger.saved, 'call was', 'calls were')} in the checkpoint already, and not made again.`
    : 'No call saved yet: nothing has been asked for a second time.');
  text('calls-spent', count(ledger.spent));
  text('calls-saved', count(ledger.saved));
  text('input-spent', count(tokens.inputSpent));
  text('input-saved', count(tokens.inputSaved));
  text('output-spent', count(tokens.outputSpent));
  text('output-saved', count(tokens.outputSaved));
  $('cost').hidden = !cost;
  text('cost-spent', money(cost?.spent, cost?.currency));
  text('cost-saved', money(cost?.saved, cost?.currency));
  text('paid-aside', aside(ledger, cost, budget));
}

function aside(ledger, cost, budget) {
  const since = instant(ledger.since);
  return [
    since === null ? '' : `Over all starts since ${moment(since)}.`,
    ledger.possiblyPaidTwice > 0 ? `${plural(ledger.possiblyPaidTwice, 'call')} ended without an answer and may be paid for twice${cost ? `: ${money(cost.possiblyPaidTwice, cost.currency)}` : ''}.` : '',
    cost ? '' : 'No price is set for this model, so no cost is shown.',
    cost?.unpricedTokens > 0 ? `${count(cost.unpricedTokens)} tokens of models without a price are not in the cost.` : '',
    budget?.costLeft != null ? `${money(budget.costLeft, cost?.currency)} of ${money(budget.maxCost, cost?.currency)} are left.` : '',
    budget?.tokensLeft != null ? `${count(budget.tokensLeft)} of ${plural(budget.maxTokens, 'token')} are left.` : '',
  ].filter(Boolean).join(' ');
}
