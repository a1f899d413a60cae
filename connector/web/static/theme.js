// Before the first paint: the reader's choice of light or dark, else what the system says.
(() => {
  try {
    const chosen = localStorage.getItem("theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch { /* a browser without storage follows the system */ }
})();
