"use strict";
(() => {
  const all = (query, from = document) => [...from.querySelectorAll(query)];
  const one = (query) => document.querySelector(query);

  // Colours of the picture.
  for (const radio of all("input[name=colour]")) {
    radio.addEventListener("change", () => { one("#picture").dataset.colour = radio.value; });
  }

  one("#whole").addEventListener("change", (event) => {
    one("#picture").dataset.size = event.target.checked ? "whole" : "";
  });

  // The inputs of a resource are written when somebody asks for them: two thousand would take their time.
  let inputs = null;
  const fill = (details) => {
    const place = details.querySelector("pre[data-urn]");
    if (!place || place.textContent) return;
    inputs ??= JSON.parse(one("#inputs").textContent);
    place.textContent = JSON.stringify(inputs[place.dataset.urn], null, 2);
  };
  document.addEventListener("toggle", (event) => {
    if (event.target.open && event.target.matches("details.resource")) fill(event.target);
  }, true);

  // A part that is asked for by its address is opened.
  const show = () => {
    const found = location.hash && document.getElementById(location.hash.slice(1));
    if (!found) return;
    if (found.hidden) {
      // A search or filter hides it, and maybe all that stand with it.
      search.value = only.value = "";
      filter();
    }
    if (found.matches("details")) {
      found.open = true;
      found.querySelector("summary").focus({ preventScroll: true });
      found.scrollIntoView({ block: "start" });
    }
  };
  addEventListener("hashchange", () => show());
  for (const link of all(".picture a.node")) link.addEventListener("click", () => setTimeout(show));

  // Search and filters.
  const search = one("#search"), only = one("#only"), counted = one("#counted");
  const parts = all("details.part").map((part) => ({ part, text: part.dataset.text.toLowerCase() }));
  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const { part, text } of parts) {
      const fits = words.every((word) => text.includes(word)) &&
        (only.value === "" || (only.value === "findings" ? part.dataset.level !== "" : part.dataset.change !== ""));
      part.hidden = !fits;
      shown += fits;
    }
    for (const tier of all("section.tier")) tier.hidden = !tier.querySelector("details.part:not([hidden])");
    counted.textContent = `${shown} of ${parts.length} parts`;
  };
  search.addEventListener("input", filter);
  only.addEventListener("change", filter);
  addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.target.matches("input,select")) { event.preventDefault(); search.focus(); }
  });
  filter();
  show();
})();
