
"use strict";
// The hash of the address decides what is shown, so that a view can be bookmarked and
// shared: #show=failed&q=words for a filter, #scenario-NAME for one scenario, #rule-NUMBER
// for the text of a rule.
(() => {
  const all = [...document.querySelectorAll(".scenario")];
  const buttons = [...document.querySelectorAll("[data-show]")];
  const search = document.getElementById("search");
  const toggle = document.getElementById("toggle");
  const nothing = document.getElementById("nothing");
  const prefix = "scenario-";
  const texts = new Map();

  // The text that a search looks at, in lower case; read at the first search.
  const text = (s) => {
    if (!texts.has(s)) {
      const parts = s.querySelectorAll(".name, .level, summary .text, .differences, .notes, .skipped-why, .not-judged-why, .expected-why");
      texts.set(s, [...parts].map((e) => e.textContent).join("\n").toLowerCase());
    }
    return texts.get(s);
  };

  const decoded = (hash) => {
    try {
      return decodeURIComponent(hash);
    } catch {
      return hash; // not a valid encoding: the user typed it
    }
  };

  const apply = () => {
    const hash = location.hash.slice(1);
    if (hash.startsWith("rule-")) {
      return; // a look at the text of a rule: the filter stays
    }
    const linked = hash.startsWith(prefix) && document.getElementById(decoded(hash));
    const filter = new URLSearchParams(linked ? "" : hash);
    const show = buttons.some((b) => b.dataset.show === filter.get("show")) ? filter.get("show") : "all";
    const query = filter.get("q") || "";
    if (search.value !== query) {
      search.value = query;
    }
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const s of all) {
      const fits = (show === "all" || s.dataset.verdict === show) && words.every((w) => text(s).includes(w));
      s.hidden = !fits;
      shown += fits;
    }
    for (const b of buttons) {
      b.setAttribute("aria-pressed", String(b.dataset.show === show));
    }
    nothing.hidden = shown > 0;
    if (linked) {
      linked.open = true;
      linked.scrollIntoView();
    }
    updateToggle();
  };

  const visible = () => all.filter((s) => !s.hidden);
  const updateToggle = () => {
    toggle.textContent = visible().some((s) => !s.open) ? "Open all" : "Close all";
  };
  const setFilter = (show, query) => {
    const filter = new URLSearchParams({ show });
    if (query) {
      filter.set("q", query);
    }
    location.replace("#" + filter); // adds no page to the history for each typed letter
  };
  const pressed = () => buttons.find((b) => b.getAttribute("aria-pressed") === "true").dataset.show;

  for (const b of buttons) {
    b.addEventListener("click", () => setFilter(b.dataset.show, search.value));
  }
  search.addEventListener("input", () => setFilter(pressed(), search.value));
  toggle.addEventListener("click", () => {
    const open = toggle.textContent === "Open all";
    for (const s of visible()) {
      s.open = open;
    }
    updateToggle();
  });
  document.querySelector("main").addEventListener("toggle", updateToggle, true);
  addEventListener("hashchange", apply);
  document.documentElement.classList.add("live");
  apply();
})();
