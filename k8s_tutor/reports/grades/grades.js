"use strict";
(() => {
  const students = [...document.querySelectorAll("details.student")];
  const reveal = () => {
    const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    for (let e = target; e; e = e.parentElement) if (e.tagName === "DETAILS") e.open = true;
    if (target) target.scrollIntoView();
  };
  if (students.length > 3) for (const one of students) one.open = false;
  addEventListener("hashchange", reveal);
  reveal();
  addEventListener("beforeprint", () => students.forEach((one) => { one.open = true; }));
  const tools = document.querySelector(".tools");
  if (!tools) return;
  tools.hidden = false;
  tools.addEventListener("submit", (event) => event.preventDefault());
  const find = document.getElementById("find");
  const open = document.getElementById("open");
  const rows = [...document.querySelectorAll(".heat tbody tr")];
  const filter = () => {
    const wanted = find.value.trim().toLowerCase();
    for (const row of rows) {
      const name = row.querySelector("th").textContent.toLowerCase();
      const shown = name.includes(wanted) && !(open.checked && row.classList.contains("pass"));
      row.hidden = !shown;
      const block = document.getElementById(row.dataset.n);
      if (block) block.hidden = !shown;
    }
  };
  find.addEventListener("input", filter);
  open.addEventListener("change", filter);
})();
