// The editor of a flow: the phone's line of text is sent by its button, and not at each letter.
(() => {
  "use strict";
  const mine = (at) => at instanceof Element && at.id === "say";
  for (const name of ["input", "change"]) document.addEventListener(name, (event) => { if (mine(event.target)) event.stopPropagation(); }, true);
  document.addEventListener("keydown", (press) => {
    if (!mine(press.target) || press.key !== "Enter" || press.isComposing) return;
    press.preventDefault();
    press.stopPropagation();
    document.getElementById("say-go").click();
  }, true);
  // What was said is said: the line is empty again.
  document.addEventListener("htmx:after:swap", (swap) => {
    const ctx = swap.detail.ctx;
    if (!ctx || !ctx.sourceElement || ctx.sourceElement.id !== "say-go") return;
    const say = document.getElementById("say");
    if (say) { say.value = ""; say.focus(); }
  });
})();
