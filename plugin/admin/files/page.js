// Keeps the page up to date: it gets the same address again, and replaces the parts that have the attribute data-live.
// Without this script the page works too; a reload shows the news.
"use strict";
(() => {
  const every = 5000; // milliseconds between two updates
  const pause = document.getElementById("pause");
  const filter = document.getElementById("filter");
  let paused = sessionStorage.getItem("paused") === "true";
  let timer = 0;
  let latest = 0; // the number of the last request: an older answer is not shown

  document.documentElement.classList.add("live");

  // replace puts the parts of another version of the page in place of those that differ.
  const replace = (text) => {
    const next = new DOMParser().parseFromString(text, "text/html");
    const focused = document.activeElement && document.activeElement.id;
    for (const part of document.querySelectorAll("[data-live]")) {
      const other = next.getElementById(part.id);
      if (other && other.innerHTML !== part.innerHTML) {
        part.replaceChildren(...other.childNodes);
      }
    }
    if (focused && document.activeElement.id !== focused) {
      document.getElementById(focused)?.focus({ preventScroll: true });
    }
  };

  // load gets an address of this page and shows it. It returns false if there is nothing to show.
  const load = async (address) => {
    const mine = ++latest;
    try {
      const answer = await fetch(address, { headers: { Accept: "text/html" }, cache: "no-store" });
      if (answer.status === 401) {
        location.reload(); // asks for the token
        return;
      }
      const text = await answer.text();
      if (mine === latest && answer.ok) {
        replace(text);
        document.documentElement.classList.remove("away");
      } else if (!answer.ok) {
        document.documentElement.classList.add("away");
      }
    } catch {
      document.documentElement.classList.add("away");
    }
  };

  // selecting is true while the reader selects text, which an update would lose.
  const selecting = () => {
    const selection = getSelection();
    return selection && !selection.isCollapsed;
  };

  const next = () => {
    clearTimeout(timer);
    if (!paused) {
      timer = setTimeout(async () => {
        if (!document.hidden && !selecting()) {
          await load(location.href);
        }
        next();
      }, every);
    }
  };

  const show = async (address, push) => {
    history[push ? "pushState" : "replaceState"](null, "", address);
    await load(address);
    next();
  };

  const showPause = () => {
    pause.hidden = false;
    pause.setAttribute("aria-pressed", String(paused));
    document.documentElement.classList.toggle("paused", paused);
  };
  pause.addEventListener("click", () => {
    paused = !paused;
    sessionStorage.setItem("paused", String(paused));
    showPause();
    if (!paused) {
      load(location.href);
    }
    next();
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && !paused) {
      load(location.href);
    }
  });

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-swap]");
    if (link && event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      show(link.href, true);
    }
  });
  addEventListener("popstate", () => location.reload()); // the form must show the query, too

  if (filter) {
    // address returns the address of what the form says, without fields that are empty.
    const address = () => {
      const values = new URLSearchParams();
      for (const [name, value] of new FormData(filter)) {
        if (value.trim() !== "") {
          values.append(name, value);
        }
      }
      const query = values.toString();
      return query === "" ? "/" : "/?" + query;
    };
    let typing = 0;
    const changed = (wait) => {
      clearTimeout(typing);
      typing = setTimeout(() => show(address(), false), wait);
    };
    filter.addEventListener("submit", (event) => {
      event.preventDefault();
      changed(0);
    });
    filter.addEventListener("input", (event) => changed(event.target.tagName === "SELECT" ? 0 : 250));
  }
  showPause();
  next();
})();
