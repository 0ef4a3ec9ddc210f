// The few things that every part does with the document. Whatever comes from Pawl gets in as text, never as markup.

export const $ = (id) => document.getElementById(id);

/** Unchanged text is left alone: a screen reader would announce it again. */
export function text(target, value) {
  const node = typeof target === 'string' ? $(target) : target;
  if (node.textContent !== value) node.textContent = value;
}

export function element(name, content, className) {
  const node = document.createElement(name);
  if (content !== undefined) node.textContent = content;
  if (className) node.className = className;
  return node;
}

/** What an action came to, where it was begun. */
export function outcome(id, words, kind = '') {
  $(id).dataset.kind = kind;
  text(id, words);
}

/** A button that is at work can't be pressed; disabled, it would lose the keyboard's focus. */
export async function whileBusy(button, work) {
  if (button.getAttribute('aria-disabled') === 'true') return;
  button.setAttribute('aria-disabled', 'true');
  try {
    await work();
  } finally {
    button.removeAttribute('aria-disabled');
  }
}

/** A frame whose content is longer than itself can be scrolled with the keyboard; another is no stop on the way. */
export function keepReachable(frame, name) {
  const overflows = frame.scrollHeight > frame.clientHeight + 1 || frame.scrollWidth > frame.clientWidth + 1;
  if (overflows) {
    frame.tabIndex = 0;
    frame.setAttribute('role', 'region');
    frame.setAttribute('aria-label', name);
  } else {
    for (const name of ['tabindex', 'role', 'aria-label']) frame.removeAttribute(name);
  }
}
