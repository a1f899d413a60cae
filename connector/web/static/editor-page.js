// The editor's page: the text, its form, what a sample makes of it, its tests; what is typed is never lost.
(() => {
  "use strict";
  const nonce = document.currentScript.nonce;
  const $ = (id) => document.getElementById(id);
  const panes = $("panes"), area = $("text"), base = $("base"), standing = $("standing");
  const said = JSON.parse(panes.dataset.said);
  const key = `mapping:${panes.dataset.name}`;
  const dark = () => (document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const words = { fields: [], templates: [], words: [], filters: {}, buttons: {}, crms: [] };
  const narrow = matchMedia("(max-width: 899px)");
  let stored = area.value.replace(/\r\n?/g, "\n"), shown = "form", later = 0, event = "";

  // ---- the text --------------------------------------------------------------------------------------------------
  const editor = window.ConnectorEditor.replace(area, {
    nonce, dark: dark(), lintSource: lint, completionSource: complete, onChange: typed, onSave: save, lintDelay: 350,
  });
  editor.view.contentDOM.tabIndex = 0; // it takes focus anyway; said so for checkers of accessibility
  document.addEventListener("themed", (change) => editor.setDark(change.detail === "dark"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => editor.setDark(dark()));

  async function ask(address, values) {
    const body = new URLSearchParams(values);
    const answer = await fetch(address, { method: "POST", body, headers: { "X-Csrf": document.body.dataset.csrf, "HX-Request": "true" }, credentials: "same-origin" });
    if (!answer.ok) throw new Error(String(answer.status));
    return answer;
  }

  async function lint(text) {
    const found = await (await ask(panes.dataset.lint, { text })).json();
    if (text === editor.getText()) { tests(found); findings(found.findings); }
    return found.findings;
  }

  function findings(found) {
    $("findings").replaceChildren(...found.map((one) => {
      const item = document.createElement("li");
      item.className = one.severity;
      item.append(link(`${said.line.replace("{n}", one.line)}`, one.line, one.column), ` ${one.message} ${one.hint || ""}`);
      return item;
    }));
  }

  function tests(found) {
    const passed = found.tests.filter((one) => one.passed).length;
    $("tests-count").textContent = found.tests.length ? `${passed}/${found.tests.length}` : "";
    $("tests-count").classList.toggle("bad", passed < found.tests.length);
    const items = found.tests.map((one) => {
      const item = document.createElement("li"), mark = document.createElement("span"), line = document.createElement("span");
      mark.className = one.passed ? "yes" : "bad";
      mark.textContent = one.passed ? "✓" : "✗";
      mark.setAttribute("aria-label", one.passed ? "passed" : "failed");
      mark.setAttribute("role", "img");
      line.append(link(one.name, one.line));
      if (one.message) { const why = document.createElement("span"); why.className = "quiet"; why.textContent = ` ${one.message}`; line.append(why); }
      item.append(mark, line);
      return item;
    });
    if (!items.length) {
      const item = document.createElement("li"), line = document.createElement("span");
      line.className = "quiet";
      line.textContent = found.findings.some((one) => one.severity === "error") ? said.unchecked : said.none;
      item.append(document.createElement("span"), line);
      items.push(item);
    }
    $("tests").replaceChildren(...items);
  }

  function link(text, line, column = 1) {
    const made = document.createElement("button");
    made.className = "link";
    made.type = "button";
    made.dataset.line = line;
    made.dataset.column = column;
    made.textContent = text;
    return made;
  }

  function typed(text) {
    mark(text);
    keep(text);
    clearTimeout(later);
    later = setTimeout(() => { form(); retry(); }, 450);
  }

  function mark(text = editor.getText()) {
    const dirty = text !== stored;
    standing.textContent = dirty ? said.unsaved : said.saved;
    standing.classList.toggle("unsaved", dirty);
  }

  // ---- the form --------------------------------------------------------------------------------------------------
  async function form(more = {}) {
    if (!window.htmx) return;
    const text = editor.getText();
    const values = { text, ...more };
    await window.htmx.ajax("POST", panes.dataset.form, { source: "#form", target: "#form", swap: "innerMorph", values, asked: text }).catch(() => {});
  }

  document.addEventListener("htmx:before:swap", (swap) => {
    const ctx = swap.detail.ctx;
    if (ctx && ctx.target && ctx.target.id === "form" && ctx.asked !== undefined && ctx.asked !== editor.getText()) swap.preventDefault();
  });
  document.addEventListener("htmx:after:swap", () => {
    const made = $("made");
    if (made && !made.dataset.taken) {
      made.dataset.taken = "yes";
      const text = made.value.replace(/\r\n?/g, "\n");
      if (text !== editor.getText()) { editor.setText(text); mark(); keep(text); editor.lint(); retry(); }
    }
    const conflict = document.querySelector("[data-conflict]");
    if (conflict && !conflict.dataset.seen) { conflict.dataset.seen = "yes"; conflict.scrollIntoView({ block: "nearest" }); }
  });

  $("pane-form").addEventListener("change", (change) => {
    const at = change.target, group = at.closest("fieldset[data-cell]"), cell = group || at.closest("[data-cell]");
    if (at.dataset.adds) { if (at.value.trim()) form({ add: at.dataset.adds, name: at.value, value: at.dataset.with || "" }); at.value = ""; return; }
    if (!cell) return;
    const value = group ? [...group.querySelectorAll("input:checked")].map((one) => one.value).join(", ") : at.value;
    form({ cell: cell.dataset.cell, value });
  });
  $("pane-form").addEventListener("click", (click) => {
    const at = click.target.closest("button");
    if (!at) return;
    if (at.dataset.value !== undefined && at.dataset.cell) form({ cell: at.dataset.cell, value: "" });
    const what = at.dataset.add || (at.dataset.addOf && $(at.dataset.addOf).value);
    if (!what) return;
    const from = at.dataset.from ? $(at.dataset.from) : null;
    const name = from ? from.value.trim() : at.dataset.name;
    if (!name) { from?.focus(); return; }
    let value = at.dataset.value || "";
    if (what === "map") { const options = (words.fields.find((one) => one.name === name) || {}).options || []; value = `${value}\n${options[0] || ""}`; }
    if (from) from.value = "";
    form({ add: what, name, value });
  });
  $("pane-form").addEventListener("keydown", (press) => {
    if (press.key !== "Enter" || press.target.tagName !== "INPUT") return;
    press.preventDefault();
    const button = document.querySelector(`[data-from="${CSS.escape(press.target.id)}"]`);
    if (button) button.click(); else press.target.dispatchEvent(new Event("change", { bubbles: true }));
  });

  // ---- try it ----------------------------------------------------------------------------------------------------
  let trying = 0, asked = false;
  function retry(now = false) {
    if (shown !== "try" || !window.htmx) return;
    clearTimeout(trying);
    trying = setTimeout(() => {
      const values = Object.fromEntries(new FormData($("try-form")));
      values.text = editor.getText();
      if (event) values.event = event; else delete values.event;
      if (asked) values.asked = "yes";
      asked = true;
      window.htmx.ajax("POST", panes.dataset.try, { source: "#try", target: "#try", swap: "innerMorph", values }).catch(() => {});
    }, now ? 0 : 250);
  }
  // A try with the CRM's own values is asked for by hand: an earlier try that answers late does not take its place.
  let turn = 0, live = 0;
  document.addEventListener("htmx:before:request", (event_) => {
    const ctx = event_.detail.ctx;
    if (ctx.request.action.includes("/try/live")) { clearTimeout(trying); live = ++turn; }
    else if (ctx.request.action.startsWith(panes.dataset.try)) ctx.turn = ++turn;
  });
  document.addEventListener("htmx:before:swap", (event_) => {
    if (event_.detail.ctx?.turn < live) event_.preventDefault();
  });
  $("try-form").addEventListener("submit", (submit) => { submit.preventDefault(); retry(true); });
  $("try-form").addEventListener("change", () => retry(true));
  $("try-form").addEventListener("input", () => retry());
  $("pane-try").addEventListener("click", (click) => {
    const chosen = click.target.closest("[data-event]");
    if (chosen) { event = chosen.dataset.event; retry(true); $("tab-try").scrollIntoView({ block: "nearest" }); }
    const tapped = click.target.closest("[data-answer]");
    if (tapped) {
      const id = $("try-form").elements["v:answer.id"], title = $("try-form").elements["v:answer.title"];
      if (id) id.value = tapped.dataset.answer;
      if (title) title.value = tapped.textContent;
      retry(true);
    }
    if (click.target.closest("[data-sample]")) { event = ""; retry(true); }
  });

  // ---- which pane ------------------------------------------------------------------------------------------------
  function show(pane) {
    shown = pane;
    panes.dataset.shown = pane;
    for (const tab of panes.querySelectorAll("[data-pane]")) {
      const mine = tab.dataset.pane === pane;
      tab.setAttribute("aria-selected", String(mine));
      tab.tabIndex = mine ? 0 : -1;
    }
    if (pane === "try") retry(true);
  }
  panes.querySelector("[role=tablist]").addEventListener("keydown", (press) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[press.key];
    if (!step) return;
    const tabs = [...panes.querySelectorAll("[data-pane]")].filter((one) => one.offsetParent);
    const next = tabs[(tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length];
    next.focus();
    show(next.dataset.pane);
  });
  document.addEventListener("click", (click) => {
    const at = click.target.closest("[data-pane],[data-pane-to],[data-line],[data-take-theirs],[data-keep-mine],[data-conflict-close]");
    if (!at) return;
    if (at.dataset.pane || at.dataset.paneTo) show(at.dataset.pane || at.dataset.paneTo);
    else if (at.dataset.line) { if (narrow.matches) show("text"); else if (panes.classList.contains("flows") && shown !== "tests") show("form"); editor.focusLine(Number(at.dataset.line), Number(at.dataset.column) || 1); }
    else conflict(at);
  });
  narrow.addEventListener("change", () => { if (!narrow.matches && shown === "text") show("form"); });

  // ---- saving ----------------------------------------------------------------------------------------------------
  let sending = "";
  function save() { $("save")?.click(); }
  document.addEventListener("keydown", (press) => {
    if ((press.ctrlKey || press.metaKey) && press.key.toLowerCase() === "s" && !press.defaultPrevented) { press.preventDefault(); save(); }
  });
  document.addEventListener("htmx:before:request", (request) => {
    const at = request.detail.ctx.sourceElement;
    if (at && (at.id === "mapping" || at.dataset.sends !== undefined)) sending = editor.getText();
  });
  document.addEventListener("mapping:saved", (saved) => {
    base.value = saved.detail.version || base.value;
    if (saved.detail.live !== undefined) $("live").value = saved.detail.live;
    stored = sending;
    $("conflict").replaceChildren();
    mark();
    keep(editor.getText());
  });
  function conflict(at) {
    const box = at.closest("[data-conflict]");
    if (at.dataset.takeTheirs !== undefined) {
      editor.setText(box.querySelector("[data-theirs]").value);
      stored = editor.getText();
      base.value = at.dataset.version;
      mark();
      form();
    } else if (at.dataset.keepMine !== undefined) { base.value = at.dataset.version; save(); }
    box.remove();
  }

  // ---- what is typed survives a reload, a lost session, a lost database ------------------------------------------
  function keep(text) {
    if (!panes.dataset.may) return;
    try {
      if (text === stored) localStorage.removeItem(key);
      else localStorage.setItem(key, JSON.stringify({ text, at: Date.now(), base: base.value }));
    } catch { /* a browser without storage */ }
  }
  function offer() {
    let kept = null;
    try { kept = JSON.parse(localStorage.getItem(key)); } catch { /* nothing of ours */ }
    if (!kept || !panes.dataset.may || kept.text === stored) return;
    $("restore-at").textContent = new Date(kept.at).toLocaleString(document.documentElement.lang);
    $("restore").hidden = false;
    $("restore-yes").addEventListener("click", () => { editor.setText(kept.text); base.value = kept.base; $("restore").hidden = true; typed(kept.text); editor.lint(); });
    $("restore-no").addEventListener("click", () => { try { localStorage.removeItem(key); } catch { /* gone */ } $("restore").hidden = true; });
  }
  addEventListener("beforeunload", (leaving) => { if (panes.dataset.may && editor.getText() !== stored) leaving.preventDefault(); });

  // ---- completion ------------------------------------------------------------------------------------------------
  async function learn() {
    try {
      const answer = await fetch(`${panes.dataset.known}?crm=${encodeURIComponent(panes.dataset.crm)}`, { credentials: "same-origin" });
      Object.assign(words, await answer.json());
    } catch { return; }
    const options = words.fields.slice(0, 3000).map((one) => option(full(one), `${one.label} · ${one.type}`));
    $("crm-fields").replaceChildren(...options);
    const reads = words.words.filter((one) => one.of === "expression").map((one) => option(one.word, ""));
    $("reads").replaceChildren(...reads);
  }
  function option(value, label) {
    const made = document.createElement("option");
    made.value = value;
    if (label) made.label = label;
    return made;
  }
  const PERSON = /^(contacts?|lead)$/i;
  function full(field) {
    if (PERSON.test(field.object)) return field.name;
    const word = field.object.toLowerCase().replace(/ies$/, "y").replace(/s$/, "");
    return `${word}.${field.name}`;
  }

  function complete({ before, word, text }) {
    const inside = before.lastIndexOf("{{") > before.lastIndexOf("}}");
    const found = [];
    const fields = () => words.fields.map((one) => ({ label: full(one), detail: one.type, info: one.label, type: "property" }));
    if (inside && /\|\s*[\w.-]*$/.test(before)) return Object.entries(words.filters).map(([label, info]) => ({ label, info, type: "function" }));
    if (inside || /\b(from|only_if|cancel_if):\s*[\w.-]*$/.test(before)) {
      found.push(...words.words.filter((one) => one.of === "expression").map((one) => ({ label: one.word, type: "variable" })));
      found.push(...fields().map((one) => ({ ...one, label: one.label.includes(".") ? one.label : `contact.${one.label}` })));
      return found;
    }
    const value = before.match(/([\w.]+):\s*[[{]?(?:[\w.-]+\s*,\s*)*[\w.-]*$/);
    if (value) {
      const name = value[1];
      if (name === "answer_to" || name === "template") return words.templates.map((label) => ({ label, type: "constant" }));
      if (name === "crm") return words.crms.map((label) => ({ label, type: "constant" }));
      const about = (text.match(/^(?:template|\s+answer_to):\s*([\w.-]+)/m) || [])[1];
      if (name === "id" || name === "buttons") return (words.buttons[about] || []).map((label) => ({ label, type: "constant" }));
      const known = words.words.filter((one) => one.word === name).flatMap((one) => one.values);
      if (known.length) return [...new Set(known)].map((label) => ({ label, type: "keyword" }));
      const field = words.fields.find((one) => one.name === name || full(one) === name);
      if (field && field.options.length) return field.options.map((label) => ({ label, type: "constant" }));
      return [];
    }
    const seen = new Set(), kind = (text.match(/^(mapping|send|flow):/m) || ["", ""])[1], top = !/^\s/.test(before);
    for (const one of words.words) if (one.of !== "expression" && !seen.has(one.word) && (!top || !kind || one.of === kind)) { seen.add(one.word); found.push({ label: one.word, apply: `${one.word}: `, info: one.about, type: "keyword", boost: 1 }); }
    if (/^\s/.test(before)) found.push(...fields().map((one) => ({ ...one, apply: `${one.label}: ` })));
    return word || found.length < 200 ? found : found.slice(0, 200);
  }

  show(narrow.matches ? "text" : "form");
  mark();
  offer();
  learn();
})();
