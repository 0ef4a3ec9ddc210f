// Calls to Pawl. The token is kept for this tab only, and goes out in a header, never in an address.

import { $ } from './dom.js';

const PATIENCE_MS = 30_000;
const KEY = 'pawl-token';

/** What went wrong, in a sentence for people. */
export class Problem extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

export async function ask(path, options = {}) {
  const controller = new AbortController();
  const limit = setTimeout(() => controller.abort(), options.patience ?? PATIENCE_MS);
  let response;
  let body;
  try {
    response = await fetch(path, {
      method: options.method, body: options.body, headers: { Accept: 'application/json', ...options.headers }, cache: 'no-store',
      credentials: 'omit', signal: controller.signal,
    });
    body = await response.text();
  } catch {
    throw new Problem(0, controller.signal.aborted ? 'Pawl did not answer in time.' : 'No connection to Pawl.');
  } finally {
    clearTimeout(limit);
  }
  if (!response.ok) throw new Problem(response.status, detail(response.status, body));
  try {
    return JSON.parse(body);
  } catch {
    throw new Problem(response.status, 'Pawl answered with something else than JSON.');
  }
}

function detail(status, body) {
  try {
    const problem = JSON.parse(body);
    if (typeof problem.detail === 'string') return sentences(problem);
  } catch {
    // a proxy's page
  }
  return `Pawl answered with status ${status}.`;
}

const sentences = ({ detail: words, accepted }) => (accepted > 0 ? `${words}. ${accepted} documents are published all the same.` : `${words}.`);

// --- Calls that change something -----------------------------------------------------------------------------------

export const hasToken = () => sessionStorage.getItem(KEY) !== null;

/** Asks for the token where Pawl wants one, and tries again with it. */
export async function change(path, options = {}) {
  const token = sessionStorage.getItem(KEY);
  try {
    return await ask(path, {
      method: 'POST', ...options, headers: { ...options.headers, ...(token === null ? {} : { Authorization: `Bearer ${token}` }) },
    });
  } catch (problem) {
    if (problem.status !== 401) throw problem;
    if (!await enterToken(token === null ? '' : 'This token is not the right one. ')) throw new Problem(401, 'Nothing was changed: Pawl wants its token.');
    return change(path, options);
  }
}

/** True where one was entered. */
export function enterToken(before = '') {
  const dialog = $('token-dialog');
  const words = $('token-words');
  words.querySelector('strong')?.remove();
  if (before) {
    const strong = document.createElement('strong');
    strong.textContent = before;
    words.prepend(strong);
  }
  $('token-value').value = '';
  $('token-forget').hidden = !hasToken();
  dialog.returnValue = '';
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      dispatchEvent(new Event('tokenchange'));
      resolve(dialog.returnValue === 'entered');
    }, { once: true });
  });
}

$('token-form').addEventListener('submit', (event) => {
  event.preventDefault();
  sessionStorage.setItem(KEY, $('token-value').value.trim());
  $('token-value').value = '';
  $('token-dialog').close('entered');
});
$('token-forget').addEventListener('click', () => {
  sessionStorage.removeItem(KEY);
  $('token-dialog').close('');
});
$('token-cancel').addEventListener('click', () => $('token-dialog').close(''));
