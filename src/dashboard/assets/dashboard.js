// Comforts of the dashboard's pages. Every page is whole without them.
"use strict";
(() => {
  const root = document.documentElement;

  // Storage can be switched off.
  const remember = (store, key, value) => {
    try { value === null ? store.removeItem(key) : store.setItem(key, value); } catch { /* it is forgotten */ }
  };
  const recall = (store, key) => {
    try { return store.getItem(key); } catch { return null; }
  };

  // Before anything is drawn, so that nothing flashes.
  const themes = ["auto", "light", "dark"];
  let theme = recall(localStorage, "llm-metrics-theme") ?? "auto";
  const show = () => {
    if (theme === "auto") root.removeAttribute("data-theme"); else root.setAttribute("data-theme", theme);
  };
  if (!themes.includes(theme)) theme = "auto";
  show();

  document.addEventListener("DOMContentLoaded", () => {
    themeButton();
    forms();
    zones();
    copying();
    live();
  });

  function themeButton() {
    const button = document.getElementById("theme");
    if (!button) return;
    const name = () => { button.textContent = `Theme: ${theme}`; };
    name();
    button.hidden = false;
    button.addEventListener("click", () => {
      theme = themes[(themes.indexOf(theme) + 1) % themes.length];
      remember(localStorage, "llm-metrics-theme", theme === "auto" ? null : theme);
      show();
      name();
    });
  }

  function forms() {
    for (const field of document.querySelectorAll("select[data-submit]")) {
      field.addEventListener("change", () => field.form.requestSubmit());
    }
    // A date of one's own stands in place of a range with a name.
    for (const field of document.querySelectorAll("input[data-custom]")) {
      field.addEventListener("input", () => { field.form.elements.range.disabled = true; });
    }
    for (const form of document.forms) {
      // Addresses without what was left empty, and without half a condition.
      form.addEventListener("submit", () => {
        const { measure, at, value } = form.elements;
        for (const field of form.elements) if (field.name && field.value === "") field.disabled = true;
        if (value && value.value === "") { measure.disabled = true; at.disabled = true; }
      });
    }
    // A page that the browser kept as it was left.
    window.addEventListener("pageshow", () => {
      for (const form of document.forms) for (const field of form.elements) field.disabled = false;
    });
  }

  function zones() {
    const field = document.querySelector("input[name=zone]");
    const list = document.getElementById("zones");
    if (!field || !list) return;
    field.addEventListener("focus", () => {
      for (const name of Intl.supportedValuesOf?.("timeZone") ?? []) {
        const option = document.createElement("option");
        option.value = name;
        list.append(option);
      }
    }, { once: true });
    const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const button = document.getElementById("my-zone");
    if (!button || !own || own === field.value) return;
    button.textContent = `Use ${own}`;
    button.hidden = false;
    button.addEventListener("click", () => {
      field.value = own;
      field.form.requestSubmit();
    });
  }

  function copying() {
    const button = document.getElementById("copy");
    if (!button) return;
    button.hidden = false;
    const name = button.textContent;
    button.addEventListener("click", async () => {
      const from = document.getElementById(button.dataset.from);
      try {
        await navigator.clipboard.writeText(from.textContent);
        button.textContent = "Copied";
      } catch {
        // Not every browser lets a page without TLS write the clipboard: select it instead.
        from.closest("details").open = true;
        getSelection().selectAllChildren(from);
        button.textContent = "Selected: copy it now";
      }
      setTimeout(() => { button.textContent = name; }, 2500);
    });
  }

  // New figures: the page is asked for again, and what changed of its live parts is put in place.
  function live() {
    const button = document.getElementById("live");
    const every = Number(document.body.dataset.refresh);
    if (!button || !every) return;
    let on = recall(sessionStorage, "llm-metrics-live") !== "off";
    let tag = null;
    let timer = 0;
    let busy = false;
    const name = (state) => {
      button.setAttribute("aria-pressed", String(on));
      root.dataset.live = state;
    };
    const later = () => {
      clearTimeout(timer);
      if (on && !document.hidden) timer = setTimeout(refresh, every);
    };
    async function refresh() {
      if (busy) return;
      busy = true;
      try {
        const headers = tag ? { "If-None-Match": tag } : {};
        const answer = await fetch(location.href, { headers, cache: "no-store" });
        if (answer.ok) {
          tag = answer.headers.get("ETag");
          replace(new DOMParser().parseFromString(await answer.text(), "text/html"));
        }
        name(answer.ok || answer.status === 304 ? "on" : "failed");
      } catch {
        name("failed");
      }
      busy = false;
      later();
    }
    button.hidden = false;
    name(on ? "on" : "off");
    button.addEventListener("click", () => {
      on = !on;
      remember(sessionStorage, "llm-metrics-live", on ? null : "off");
      name(on ? "on" : "off");
      if (on) refresh(); else later();
    });
    document.addEventListener("visibilitychange", () => { if (on && !document.hidden) refresh(); else later(); });
    later();
  }

  function replace(fresh) {
    for (const part of document.querySelectorAll("[data-live][id]")) {
      const next = fresh.getElementById(part.id);
      if (!next || part.isEqualNode(next)) continue;
      // Not under somebody's selection.
      const selection = getSelection();
      if (!selection.isCollapsed && part.contains(selection.anchorNode)) continue;
      const focused = part.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
      part.replaceWith(document.adoptNode(next));
      if (focused) {
        [...next.querySelectorAll("a[href]")].find((link) => link.getAttribute("href") === focused)?.focus({ preventScroll: true });
      }
    }
  }
})();
