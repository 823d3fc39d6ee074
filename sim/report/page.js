
"use strict";
// What is shown is said by the hash alone, so that it can be bookmarked and sent:
// #show=failed&q=words, or #scenario-NAME of a single one.
(() => {
  const all = [...document.querySelectorAll(".scenario")];
  const buttons = [...document.querySelectorAll("[data-show]")];
  const search = document.getElementById("search");
  const toggle = document.getElementById("toggle");
  const nothing = document.getElementById("nothing");
  const prefix = "scenario-";
  const texts = new Map();

  // What a scenario is searched by; read only when somebody searches.
  const text = (s) => {
    if (!texts.has(s)) {
      const parts = s.querySelectorAll(".name, summary .text, .differences, .notes, .skipped-why");
      texts.set(s, [...parts].map((e) => e.textContent).join("\n").toLowerCase());
    }
    return texts.get(s);
  };

  const decoded = (hash) => {
    try {
      return decodeURIComponent(hash);
    } catch {
      return hash; // somebody wrote it by hand
    }
  };

  const apply = () => {
    const hash = location.hash.slice(1);
    const linked = hash.startsWith(prefix) && document.getElementById(decoded(hash));
    const wish = new URLSearchParams(linked ? "" : hash);
    const show = buttons.some((b) => b.dataset.show === wish.get("show")) ? wish.get("show") : "all";
    const query = wish.get("q") || "";
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
    name();
  };

  const visible = () => all.filter((s) => !s.hidden);
  const name = () => {
    toggle.textContent = visible().some((s) => !s.open) ? "Open all" : "Close all";
  };
  const say = (show, query) => {
    const wish = new URLSearchParams({ show });
    if (query) {
      wish.set("q", query);
    }
    location.replace("#" + wish); // each letter typed is no page to go back to
  };
  const pressed = () => buttons.find((b) => b.getAttribute("aria-pressed") === "true").dataset.show;

  for (const b of buttons) {
    b.addEventListener("click", () => say(b.dataset.show, search.value));
  }
  search.addEventListener("input", () => say(pressed(), search.value));
  toggle.addEventListener("click", () => {
    const open = toggle.textContent === "Open all";
    for (const s of visible()) {
      s.open = open;
    }
    name();
  });
  document.querySelector("main").addEventListener("toggle", name, true);
  addEventListener("hashchange", apply);
  document.documentElement.classList.add("live");
  apply();
})();
