// Keyboard on top of pages that work without it: "/" finds, j and k walk the queue, other keys press a marked button.
"use strict";

(() => {
  const isTyping = (target) => target.closest("input, select, textarea, [contenteditable]") !== null;

  const walk = (step) => {
    const links = [...document.querySelectorAll("[data-walk]")];
    if (links.length === 0) return;
    const here = links.findIndex((link) => link.closest("[aria-current]"));
    const next = links[Math.min(Math.max(here + step, 0), links.length - 1)];
    if (next) next.click();
  };

  // A link to a folded list opens it.
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#"]');
    const fold = link && document.getElementById(link.hash.slice(1));
    if (fold instanceof HTMLDetailsElement) fold.open = true;
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (event.key === "/") {
      const find = document.querySelector("[data-find]");
      if (find) { event.preventDefault(); find.focus(); }
    } else if (event.key === "j") walk(1);
    else if (event.key === "k") walk(-1);
    else {
      const button = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
      if (button) { event.preventDefault(); button.click(); }
    }
  });
})();
