// What the page does beside the terminal: load its font before it is measured, give it the keys, open it again.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  document.getElementById("again").addEventListener("click", () => location.reload());
  // The terminal tells the server when it gets the keys, so there must be a server to tell.
  new MutationObserver((_changes, watch) => {
    const keys = document.querySelector(".xterm-helper-textarea");
    if (keys && document.body.classList.contains("-first-byte")) {
      watch.disconnect();
      keys.focus();
    }
  }).observe(document.body, { attributes: true, attributeFilter: ["class"] });
});
// textual.js starts in window.onload: it must find the font there, or it takes the width of another one.
const began = window.onload;
window.onload = async (event) => {
  await Promise.allSettled([
    document.fonts.load('16px "Roboto Mono"'),
    document.fonts.load('bold 16px "Roboto Mono"'),
    document.fonts.load('italic 16px "Roboto Mono"'),
  ]);
  began(event);
};
