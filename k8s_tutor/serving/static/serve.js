// What the page does beside the terminal: load its font before it is measured, and open the tutor again.
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  document.getElementById("again").addEventListener("click", () => location.reload());
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
  const screen = document.querySelector(".xterm-helper-textarea");
  if (screen) screen.focus();
};
