// Runs before the first paint, so that no wrong colours flash up: that is why it is no module. Auto is what the system says.
'use strict';

(() => {
  const THEMES = ['auto', 'light', 'dark'];
  const KEY = 'pawl-theme';

  function stored() {
    try {
      return THEMES.includes(localStorage.getItem(KEY)) ? localStorage.getItem(KEY) : 'auto';
    } catch {
      return 'auto'; // a browser that keeps nothing
    }
  }

  function apply(theme) {
    document.documentElement.dataset.theme = theme;
  }

  apply(stored());

  document.addEventListener('DOMContentLoaded', () => {
    const button = document.getElementById('theme');
    let theme = stored();
    const show = () => { button.textContent = `Theme: ${theme}`; };
    button.addEventListener('click', () => {
      theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
      try {
        localStorage.setItem(KEY, theme);
      } catch {
        // for this visit then
      }
      apply(theme);
      show();
      dispatchEvent(new Event('themechange'));
    });
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => dispatchEvent(new Event('themechange')));
    show();
  });
})();
