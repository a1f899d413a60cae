// The console's own behaviour: forged-form token, keyboard, theme, times that stay true, passing words, dialogs.
// Server-rendered pages work without it; htmx (vendor/htmx.min.js) does the live parts.
(() => {
  "use strict";
  const words = JSON.parse(document.body.dataset.words || "{}");
  const $ = (selector, root = document) => root.querySelector(selector);

  // ---- the session's token ----------------------------------------------------------------------------------------
  // Who signs in again in another tab goes on in this one: its pages tell their token to the pages of the same person.
  const tabs = new BroadcastChannel("session");
  const mine = $(".me")?.textContent;
  if (mine) tabs.postMessage({ who: mine, csrf: document.body.dataset.csrf });
  tabs.addEventListener("message", ({ data }) => {
    if (!mine || data.who !== mine) return;
    document.body.dataset.csrf = data.csrf;
    for (const field of document.querySelectorAll("input[name=csrf]")) field.value = data.csrf;
  });

  // ---- htmx -----------------------------------------------------------------------------------------------------
  document.addEventListener("htmx:config:request", (event) => {
    event.detail.ctx.request.headers["X-Csrf"] = document.body.dataset.csrf || "";
  });
  document.addEventListener("htmx:before:request", (event) => {  // a page that nobody sees asks for nothing
    if (document.hidden && event.detail.ctx.sourceEvent?.type === "every") event.preventDefault();
  });
  document.addEventListener("htmx:before:response", (event) => {  // what asks every few seconds complains once
    const { sourceElement, response } = event.detail.ctx;
    if (response.status >= 500 && sourceElement.matches("[data-poll]") && $("#toasts .toast.bad")) event.preventDefault();
  });
  document.addEventListener("htmx:error", (event) => {
    const error = event.detail.error;
    if (error && error.name === "AbortError") return;
    if (event.detail.ctx && event.detail.ctx.sourceElement && event.detail.ctx.sourceElement.matches("[data-poll]")) return;
    toast(words.network, "bad");
  });
  document.addEventListener("toast", (event) => toast(event.detail.text || event.detail.value, event.detail.kind));

  function toast(text, kind = "good") {
    const box = document.createElement("div");
    box.className = `toast ${kind}`;
    if (kind === "bad") box.setAttribute("role", "alert");
    const line = document.createElement("p");
    line.textContent = text;
    const close = document.createElement("button");
    close.className = "icon-button";
    close.type = "button";
    close.dataset.dismiss = "";
    close.setAttribute("aria-label", words.close || "Close");
    close.textContent = "×";
    box.append(line, close);
    $("#toasts").append(box);
    if (kind !== "bad") setTimeout(() => box.remove(), 6000);
  }

  // What is said twice is shown once: a page that asks in several places hears the same refusal from each.
  new MutationObserver((changes) => {
    for (const added of changes.flatMap((one) => [...one.addedNodes])) {
      for (const other of $("#toasts").children) if (other !== added && other.textContent === added.textContent) other.remove();
    }
  }).observe($("#toasts"), { childList: true });

  // ---- clicks ---------------------------------------------------------------------------------------------------
  document.addEventListener("click", (event) => {
    const at = event.target.closest("[data-dismiss],[data-toggle],[data-theme],[data-open],[data-close],[data-copy],tr.opens");
    if (!at) return;
    if (at.matches("[data-dismiss]")) at.closest(".toast").remove();
    else if (at.matches("[data-toggle]")) toggle(at);
    else if (at.matches("[data-theme]")) theme();
    else if (at.matches("[data-open]")) open(at.dataset.open, at);
    else if (at.matches("[data-close]")) at.closest("dialog").close();
    else if (at.matches("[data-copy]")) copy(at);
    else if (!event.target.closest("a,button,input,select,label,summary") && !String(getSelection())) {
      const link = $("a[data-row]", at) || $("a", at);
      if (link) link.click();
    }
  });

  function toggle(button) {
    const part = document.getElementById(button.dataset.toggle);
    const shown = part.classList.toggle("open");
    button.setAttribute("aria-expanded", String(shown));
    if (shown) $("a", part)?.focus();
  }

  function theme() {
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const now = document.documentElement.dataset.theme || (dark ? "dark" : "light");
    const next = now === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    try { localStorage.setItem("theme", next); } catch { /* for this page only */ }
    document.dispatchEvent(new CustomEvent("themed", { detail: next }));
  }

  function open(id, from) {
    const dialog = document.getElementById(id);
    if (!dialog || dialog.open) return;
    dialog.showModal();
    dialog.addEventListener("close", () => from?.focus?.(), { once: true });
  }

  async function copy(button) {
    const from = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(from.value ?? from.textContent);
      toast(words.copied);
    } catch {
      const range = document.createRange();
      range.selectNodeContents(from);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
    }
  }

  // A sheet goes when its answer was taken; a line that was sent makes room for the next.
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-sheet-close]")) event.target.closest("[data-sheet]").remove();
    const menu = event.target.closest("details.attach .menu button");
    if (menu) menu.closest("details").open = false;
  });
  document.addEventListener("htmx:after:request", (event) => {
    const { sourceElement, response } = event.detail.ctx;
    if (!response || response.status >= 400) return;
    if (sourceElement.matches("[data-clear]")) sourceElement.reset();
    if (event.detail.ctx.request.method !== "GET") sourceElement.closest("[data-sheet]")?.remove();
  });

  // "Is it still you?": the dialog that comes instead of an answer, and afterwards the act once more.
  let refused = null;
  document.addEventListener("htmx:after:request", (event) => {
    const { response, sourceElement, sourceEvent } = event.detail.ctx;
    if (response?.headers.get("X-Prove") && !sourceElement.closest("#prove")) refused = { at: sourceElement, type: sourceEvent?.type };
  });
  document.addEventListener("htmx:after:settle", () => {
    const dialog = $("#prove dialog:not([open])");
    if (!dialog) return;
    for (const other of document.querySelectorAll("dialog[open]")) other.close();
    dialog.showModal();
  });
  document.addEventListener("proved", () => {
    $("#prove").replaceChildren();
    const again = refused;
    refused = null;
    if (!again?.at.isConnected) return;
    if (again.type === "click") again.at.click();
    else again.at.dispatchEvent(new Event(again.type || "submit", { bubbles: true, cancelable: true }));
  });

  // A dialog may ask for a name before something that cannot be taken back: its button waits for it.
  document.addEventListener("input", (event) => {
    const field = event.target.closest("[data-confirm-name]");
    if (field) $("button[data-confirmed]", field.form).disabled = field.value.trim() !== field.dataset.confirmName;
  });

  // A filter's select asks at once; without this script the form has a button.
  document.addEventListener("change", (event) => {
    const field = event.target.closest("[data-submit]");
    if (field) field.form.requestSubmit();
  });

  // ---- keyboard -------------------------------------------------------------------------------------------------
  let going = 0;
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      if ($("[data-sheet]")) { $("[data-sheet]").remove(); $("#text")?.focus(); return; }
      const rail = $(".rail.open");
      if (rail) { rail.classList.remove("open"); $(".menu-button").setAttribute("aria-expanded", "false"); $(".menu-button").focus(); }
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest("input,textarea,select,[contenteditable],.cm-editor,dialog")) return;
    if (event.key === "/") { event.preventDefault(); $("#q")?.focus(); }
    else if (event.key === "?") open("keys");
    else if (Date.now() - going < 1500) {
      going = 0;
      const link = $(`[data-go="${CSS.escape(event.key)}"]`);
      if (link) { event.preventDefault(); link.click(); }
    } else if (event.key === "g") going = Date.now();
  });

  // ---- times ----------------------------------------------------------------------------------------------------
  const relative = new Intl.RelativeTimeFormat(document.documentElement.lang || "en", { numeric: "auto", style: "short" });
  function refresh() {
    for (const time of document.querySelectorAll("time[data-ago]")) {
      const seconds = (new Date(time.dateTime) - Date.now()) / 1000;
      const size = Math.abs(seconds);
      const [unit, length] = size < 60 ? ["second", 1] : size < 3600 ? ["minute", 60] : size < 86400 ? ["hour", 3600] : ["day", 86400];
      if (size >= 45) time.textContent = relative.format(Math.trunc(seconds / length), unit);
    }
  }
  setInterval(refresh, 20000);

  // ---- lists that refresh by themselves keep the reader's place ---------------------------------------------------
  // An element with data-live="URL" asks every few seconds for how much is new; it never moves what is being read.
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) document.body.dispatchEvent(new CustomEvent("seen-again"));
  });
  window.connectorToast = toast;
})();
