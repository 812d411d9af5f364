"use strict";
(() => {
  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const folded = target && target.closest("details");
    if (folded) {
      folded.hidden = false;
      folded.open = true;
      target.focus({ preventScroll: true });
      folded.scrollIntoView({ block: "start" });
    }
  };
  addEventListener("hashchange", reveal);
  for (const link of document.querySelectorAll('a[href^="#x"]')) {
    link.addEventListener("click", () => setTimeout(reveal, 0));
  }
  reveal();

  const form = document.getElementById("filters");
  if (!form) return;
  const of = (name) => document.getElementById("of-" + name);
  const exchanges = [...document.querySelectorAll(".exchange")];
  const arrows = new Map([...document.querySelectorAll(".arrow")].map((one) => [one.dataset.number, one]));
  const apply = () => {
    const wanted = of("text").value.toLowerCase();
    let shown = 0;
    for (const one of exchanges) {
      const fits =
        (!of("client").value || one.dataset.client === of("client").value) &&
        (!of("status").value || one.dataset.status === of("status").value) &&
        (!of("evidence").checked || one.classList.contains("evidence")) &&
        (!wanted || one.textContent.toLowerCase().includes(wanted));
      one.hidden = !fits;
      shown += fits;
      const arrow = arrows.get(one.dataset.number);
      if (arrow) arrow.classList.toggle("off", !fits);
    }
    document.getElementById("shown").textContent = shown + " of " + exchanges.length;
  };
  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  apply();
})();
